package paddle

import (
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk"
)

const pureModel = "do not load it; ask for a model whose program only computes"

var (
	walking = protowalk.NewRules("paddle", "Paddle", "OpDesc")

	python = &validate.Rule{ID: "paddle/python-operator", Title: "operator that calls Python", Severity: validate.High,
		Why: "The operator runs a function that the process has registered, with arguments that the model chooses.", Fix: pureModel,
		Hostile: `ops { type: "py_func" }`, Benign: `ops { type: "while" }`}
	file = &validate.Rule{ID: "paddle/file-operator", Title: "operator that reads or writes files", Severity: validate.High,
		Why: "Running the program reads secrets into its outputs or overwrites files at paths in its attributes.", Fix: pureModel,
		Hostile: `ops { type: "save" attrs { name: "file_path" s: "/etc/cron.d/x" } }`, Benign: `ops { type: "fetch" }`}
	network = &validate.Rule{ID: "paddle/network-operator", Title: "operator that opens connections", Severity: validate.High,
		Why: "Running the program sends data to an address that the model names, or accepts commands from it.", Fix: pureModel,
		Hostile: `ops { type: "listen_and_serv" }`, Benign: `ops { type: "feed" }`}
	unknown = &validate.Rule{ID: "paddle/unknown-operator", Title: "operator that was not vetted", Severity: validate.Medium,
		Why:     "An operator outside Paddle needs a shared library, which whoever loads the model must load first; others hold programs for accelerators.",
		Fix:     "find out which library has the operator, decide whether to trust it, and waive this rule",
		Hostile: `ops { type: "evil_run" }`, Benign: `ops { type: "matmul_v2" }`}
	tensors = &validate.Rule{ID: "paddle/tensor", Title: "parameter whose shape or size cannot be", Severity: validate.Medium,
		Why: "A runtime that trusts the shape reads behind the file.", Fix: "save the model again",
		Hostile: "data_type: FP32 dims: 1000, then four bytes", Benign: "data_type: FP32 dims: 1, then four bytes"}
)

// special are the operators that reach outside, by the rule that says so.
var special = map[string]*validate.Rule{
	"py_func": python, "py_layer": python, "run_program": python,
	"load": file, "load_combine": file, "save": file, "save_combine": file, "read_file": file, "open_files": file, "read": file, "sparse_tensor_load": file,
	"create_py_reader": file, "create_custom_reader": file, "create_ctr_reader": file, "dump": file,
	"listen_and_serv": network, "heter_listen_and_serv": network, "send": network, "recv": network, "send_and_recv": network, "send_barrier": network,
	"fetch_barrier": network, "prefetch": network, "checkpoint_notify": network, "gen_nccl_id": network, "c_gen_nccl_id": network, "distributed_lookup_table": network,
}

func rules() []*validate.Rule { return append(walking.All(), python, file, network, unknown, tensors) }
