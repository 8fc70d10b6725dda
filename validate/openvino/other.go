package openvino

import (
	"bytes"
	"encoding/xml"

	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/lazyre"
	"github.com/loadlock/loadlock/validate/xmlwalk"
)

// other judges XML that is no model: cascades of OpenCV, annotations of pictures, settings of tools. What matters there is
// only what readers do on their own: put files and answers of servers in the place of entities and inclusions.
//
// Its whole prolog, and so its DOCTYPE, lies in front of the root element, which was seen in the beginning of the file.
func (m *model) other(start []byte) error {
	m.prolog(start)
	included := false
	return m.text(start, func(off int64, b []byte) {
		if i := bytes.Index(b, []byte(xmlwalk.XInclude)); i >= 0 && !included {
			included = true
			m.p.ReportAt(entity, validate.Place{Offset: off + int64(i)}, "inclusion of another document")
		}
	})
}

var (
	// entities from elsewhere, entities of entities, and entities of the DOCTYPE itself
	reaching = lazyre.New(`(?i)<!ENTITY\s+(%|\S+\s+(SYSTEM|PUBLIC)\b|\S+\s+("[^"]*&[^#"]|'[^']*&[^#']))`)
	declared = lazyre.New(`(?i)encoding\s*=\s*["']([\w.:-]+)["']`)
)

// byteEncodings are those in which the bytes of ASCII mean what they mean there, and nothing else does.
var byteEncodings = lazyre.New(`(?i)^(utf-?8|us-ascii|ascii|iso-?8859-\d+|latin-?1|windows-125\d|koi8-r)$`)

func (m *model) prolog(start []byte) {
	dec := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(start, []byte(mark))))
	dec.Strict = false
	dec.CharsetReader = xmlwalk.AsItIs
	for {
		off := dec.InputOffset()
		token, err := dec.RawToken()
		if err != nil {
			return
		}
		at := validate.Place{Offset: min(off, m.p.Size)}
		switch t := token.(type) {
		case xml.StartElement:
			return
		case xml.Directive:
			at.Evidence = validate.Quote([]byte(t), 80)
			if reaching.MatchString("<!" + string(t)) {
				m.p.ReportAt(entity, at, "<!%s", validate.Quote([]byte(t), 80))
			} else {
				m.p.ReportAt(doctype, at, "<!%s", validate.Quote([]byte(t), 80))
			}
		case xml.ProcInst:
			if e := declared.FindStringSubmatch(string(t.Inst)); t.Target == "xml" && e != nil && !byteEncodings.MatchString(e[1]) {
				m.p.ReportAt(unread, at, "encoding %s", validate.Quote(e[1], 40))
			}
		}
	}
}

const mark = "\xef\xbb\xbf"

// text clears the file when it is text, in one of the encodings above, and shows it piece by piece, with a little of the
// piece before.
func (m *model) text(start []byte, visit func(off int64, b []byte)) error {
	latin := false
	if e := declared.FindSubmatch(start[:min(len(start), 256)]); e != nil && !strings.HasPrefix(strings.ToLower(string(e[1])), "utf") {
		latin = true
	}
	buf := make([]byte, 0, 64<<10)
	for off := int64(0); off < m.p.Size; {
		if err := m.p.Charge(validate.Entries, 0); err != nil {
			return err
		}
		kept := min(len(buf), overlap)
		buf = append(buf[:0], buf[len(buf)-kept:]...)
		n := min(int64(cap(buf)-kept), m.p.Size-off)
		buf = buf[:kept+int(n)]
		if _, err := m.p.ReadAt(buf[kept:], off); err != nil {
			return err
		}
		if i := slices.IndexFunc(buf[kept:], func(c byte) bool { return c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' || c == 0x7f }); i >= 0 {
			return validate.Malformed(off+int64(i), "control character %#02x in XML", buf[kept+i])
		}
		visit(off-int64(kept), buf)
		off += n
	}
	if !latin {
		if err := m.p.ReadText(func(int64, []byte) error { return nil }); err != nil {
			return err
		}
	}
	m.p.Clear(0, m.p.Size, "XML")
	return nil
}

// overlap is longer than anything that is searched for.
const overlap = 128

// isModel looks for the element that models begin with anywhere, so that a document whose root other readers see
// differently is judged as a model.
func (m *model) isModel() (found bool, err error) {
	for off := int64(0); off < m.p.Size && !found; off += 64<<10 - overlap {
		b, err := m.p.Bytes(off, min(64<<10, m.p.Size-off))
		if err != nil {
			return false, err
		}
		for _, end := range []string{" ", ">", "\t", "\n", "\r", "/"} {
			found = found || bytes.Contains(b, []byte("<net"+end))
		}
	}
	return found, nil
}
