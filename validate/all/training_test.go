package all_test

import (
	"testing"
)

func TestCheckpointsOfManyKinds(t *testing.T) {
	files := write(t, `
import argparse, collections, datetime, pathlib, random
net = nn.Sequential(nn.Conv1d(4, 4, 3), nn.BatchNorm1d(4))
torch.save({"args": argparse.Namespace(arch="transformer", lr=[0.1], data="/x"), "cfg": None, "model": net.state_dict(), "optimizer_history": [{"num_updates": 3, "lr_scheduler_state": {"best": 0.1}}],
    "extra_state": {"epoch": 1, "train_iterator": {"shuffle": True}, "val_loss": 2.5}, "last_optimizer_state": torch.optim.Adam(net.parameters()).state_dict(), "task_state": {}}, "fairseq.pt")
torch.save({"dims": {"n_mels": 80, "n_vocab": 51865}, "model_state_dict": {k: v.half() for k, v in net.state_dict().items()}}, "whisper.pt")
torch.save({"epoch": 3, "global_step": 100, "pytorch-lightning_version": "1.9.0", "state_dict": net.state_dict(), "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 1}}}},
    "callbacks": {"ModelCheckpoint{'monitor': 'val'}": {"best_model_score": torch.tensor(0.3), "best_model_path": "/x/y.ckpt"}}, "optimizer_states": [torch.optim.SGD(net.parameters(), 0.1, momentum=.9).state_dict()],
    "lr_schedulers": [torch.optim.lr_scheduler.StepLR(torch.optim.SGD(net.parameters(), 0.1), 3).state_dict()], "hparams_name": "kwargs", "hyper_parameters": {"lr": 0.1, "path": "x"}}, "lightning.ckpt")
torch.save(net, "whole_module.pt")
torch.save({"model": net, "ema": None, "date": "2024-01-01", "train_args": {"imgsz": 640}, "optimizer": torch.optim.SGD(net.parameters(), 0.1)}, "whole_in_dict.pt")
torch.save(net.state_dict(), "legacy.pth", _use_new_zipfile_serialization=False)
torch.save(torch.quantize_per_tensor(torch.rand(3, 3), .1, 2, torch.qint8), "quant.pt")
torch.save([torch.sparse_coo_tensor([[0, 1], [1, 0]], [1., 2.], (2, 2)), torch.eye(3).to_sparse_csr()], "sparse.pt")
torch.save({"np": numpy.float64(3), "arr": numpy.arange(4), "path": pathlib.Path("/x"), "dt": datetime.datetime.now(), "od": collections.OrderedDict(a=1), "dd": collections.defaultdict(list, {1: [2]}),
    "dtype": torch.float16, "dev": torch.device("cpu"), "size": torch.Size([1, 2]), "set": {1, 2}, "c": 1j, "b": b"x", "counter": collections.Counter("aab"), "npgen": numpy.random.get_state(), "py": random.getstate()}, "misc.pt")
`)
	admits(t, safe(), files)
}

// What a training run leaves beside the model, by the Trainer of transformers, DeepSpeed, TensorBoard and a tracker.
func TestTheLeftoversOfTraining(t *testing.T) {
	files := write(t, `
import random
net = nn.Linear(4, 2); opt = torch.optim.AdamW(net.parameters()); net(torch.zeros(2, 4)).sum().backward(); opt.step()
torch.save(opt.state_dict(), "optimizer.pt"); torch.save(torch.optim.lr_scheduler.LambdaLR(opt, lambda s: 1.).state_dict(), "scheduler.pt")
torch.save({"python": random.getstate(), "numpy": numpy.random.get_state(), "cpu": torch.random.get_rng_state(), "cuda": [torch.random.get_rng_state()]}, "rng_state.pth")
`)
	event := "\x09\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04\x09\x00\x00\x80\x01\x02\xd9A\x1a\x00\x00\x00\x00"
	r := repository(files).text(map[string]string{
		"config.json":        `{"model_type": "bert", "architectures": ["BertModel"]}`,
		"trainer_state.json": `{"best_metric": null, "epoch": 1.0, "global_step": 500, "log_history": [{"epoch": 0.1, "learning_rate": 4e-05, "loss": NaN, "grad_norm": Infinity, "step": 10}], "stateful_callbacks": {"TrainerControl": {"args": {"should_epoch_stop": false}, "attributes": {}}}, "trial_params": null}`,
		"all_results.json":   `{"epoch": 3.0}`, "train.jsonl": "{\"a\": 1}\n{\"a\": 2}\n", "data.csv": "a,b\n1,\"x\ny\"\n", "latest": "global_step500", "hparams.yaml": "lr: 0.1\nbatch_size: 3\n",
		"ds_config.json":  `{"train_batch_size": "auto", "optimizer": {"type": "AdamW", "params": {"lr": "auto"}}, "zero_optimization": {"stage": 2, "offload_optimizer": {"device": "cpu"}}}`,
		"zero_to_fp32.py": "import argparse\nimport glob\nimport os\nimport torch\nfrom deepspeed.utils import logger\nfrom my_helpers import *\n\ndef state_file(folder):\n    return os.path.join(folder, 'x')\n",
		"runs/May01_12-00-00_host/events.out.tfevents.1714564800.host.1.0": event, "train-00000-of-00001.parquet": "PAR1\x15\x04\xff", "plot.png": "\x89PNG\r\n\x1a\n\x00", "SimSun.ttf": "\x00\x01\x00\x00\x00\x0e",
		"wandb/run-2/files/config.yaml": "wandb_version: 1\n\n_wandb:\n  desc: null\n  value:\n    cli_version: 0.16\nlr:\n  desc: null\n  value: 0.1\n", "wandb/run-2/files/output.log": "\x1b[34m\x1b[1mwandb\x1b[0m: ok\r  0%|          | 0/10",
		"wandb/run-2/files/requirements.txt": "torch==1.13.0\n", "wandb/run-2/files/wandb-metadata.json": `{"os": "Linux", "program": "train.py", "args": ["--x"], "git": {"remote": "https://x"}}`,
		"wandb/run-2/run-2.wandb": ":W&B\x00\x00", "wandb/debug.log": "2024-05-01 INFO ok\n", "events.log": "",
	})
	admits(t, safe(), r, "zero_to_fp32.py", "runs/May01_12-00-00_host/events.out.tfevents.1714564800.host.1.0", "train-00000-of-00001.parquet", "plot.png", "SimSun.ttf", "wandb/run-2/run-2.wandb")
}
