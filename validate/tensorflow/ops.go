package tensorflow

import (
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/tfops"
)

// ruleOf says what an operator of a group is; nil: nothing to report.
var ruleOf = map[tfops.Group]*validate.Rule{
	tfops.Text: textOp, tfops.Python: pythonOp, tfops.File: fileOp, tfops.Database: fileOp,
	tfops.Network: networkOp, tfops.Process: processOp, tfops.Compiled: compiledOp,
}

// judgeOps judges each operator once, where it stands first.
func (s *state) judgeOps() {
	texts := false
	for _, op := range s.order {
		at := s.at[op]
		group, listed := s.ops[op]
		rule := ruleOf[group]
		switch {
		case rule == textOp && texts:
		case rule != nil:
			s.p.Report(rule, at, "operator %s", validate.Quote(op, 80))
			texts = texts || rule == textOp
		case !listed && !s.functions[op]:
			s.p.Report(unknownOp, at, "operator %s", validate.Quote(op, 80))
		}
	}
}

// judgeAttribute looks at the attributes that name a file or an address (docs of the operators, api_def/base_api).
func (s *state) judgeAttribute(op string, a attribute) {
	for _, text := range a.texts {
		switch a.key {
		case "output_stream": // PrintV2: stdout, stderr, log(…), or file://
			if op == "PrintV2" && strings.Contains(text, "/") {
				s.p.Report(fileOp, a.at, "operator PrintV2 writes to %s", validate.Quote(text, 120))
			}
		case "descriptor_source": // DecodeProtoV2, EncodeProto: local://, bytes://, or a file
			if text != "" && text != "local://" && !strings.HasPrefix(text, "bytes://") && (op == "DecodeProtoV2" || op == "EncodeProto") {
				s.p.Report(fileOp, a.at, "operator %s reads %s", op, validate.Quote(text, 120))
			}
		case "debug_urls": // DebugIdentity and others: file:// or grpc://
			switch {
			case strings.HasPrefix(text, "grpc:"):
				s.p.Report(networkOp, a.at, "debug data goes to %s", validate.Quote(text, 120))
			case text != "" && text != "memcbk:///":
				s.p.Report(fileOp, a.at, "debug data goes to %s", validate.Quote(text, 120))
			}
		}
	}
}
