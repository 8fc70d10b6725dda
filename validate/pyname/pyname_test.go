package pyname

import "testing"

func TestJudge(t *testing.T) {
	for name, want := range map[string]Verdict{
		"torch.nn.Linear": Known, "nemo.collections.asr.models.EncDecCTCModelBPE": Known, "transformers.AutoModel": Known, "torch.device": Known, "collections.OrderedDict": Known,
		"nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor": Known, "pytorch_lightning.callbacks.ModelCheckpoint": Known,
		"os.system": Harmful, "subprocess.Popen": Harmful, "builtins.eval": Harmful, "importlib.import_module": Harmful, " os.system ": Harmful, "os:system": Harmful,
		"torch.nn.modules.os.system": Harmful, "torch.hub.load": Harmful, "torch.utils.cpp_extension.load": Harmful, "hydra.utils.get_method": Harmful, "pickle.loads": Harmful,
		"torch.nn.Module.__class__": Harmful, "transformers.utils.importlib.Any": Harmful, "shutil.rmtree": Harmful, "numpy.f2py.compile": Harmful,
		"src.models.Net": Unknown, "torch.load": Unknown, "torch.nn.functional.gelu": Unknown, "Linear": Unknown, "": Unknown, "torch.nn._Private": Unknown, "torch.nn.Línear": Unknown,
		"torch..nn.Linear": Unknown, "torch.nn.Linear()": Unknown, "torch.nnX.Linear": Unknown, "nemo.collections": Unknown,
	} {
		if got := Judge(name); got != want {
			t.Errorf("%q: %d, want %d", name, got, want)
		}
	}
}

func TestTheListIsReadStrictly(t *testing.T) {
	for _, bad := range []string{"package torch", "nonsense a b", "name a b\nname a c"} {
		if _, err := read(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
