package advise

import (
	"os"
	"strings"
	"testing"
)

// Every row of the table has one real message, which must be read as exactly that, first of all.
func TestReadUnderstandsRealMessages(t *testing.T) {
	raw, err := os.ReadFile("testdata/texts.txtar")
	if err != nil {
		t.Fatal(err)
	}
	examples := map[string]string{}
	for _, part := range strings.Split(string(raw), "\n-- ")[1:] {
		name, text, _ := strings.Cut(part, " --\n")
		examples[name] = text + "\n"
	}
	wants := map[string]Sighting{
		"python errno 24":                {Want: WantFiles},
		"python errno 28 with a path":    {Want: WantSpace, What: "/tmp/61", By: "mk.py line 4"},
		"python errno 28":                {Want: WantSpace, By: "full.py line 3"},
		"python errno and path":          {Want: WantPath, Errno: "EROFS", What: "/home/user/proj/result.txt", By: "beside.py line 2"},
		"python script not there":        {Want: WantPath, Errno: "ENOENT", What: "/home/user/proj/nosuch.py"},
		"hdf5":                           {Want: WantPath, Errno: "ENOENT", What: "/var/lib/x.h5", By: "h.py line 2, through h5py"},
		"torch.save":                     {Want: WantPath, Errno: "EROFS", What: "model.pt", By: "s.py line 2, through torch"},
		"torch.save to a missing folder": {Want: WantPath, Errno: "ENOENT", What: "/data/checkpoints", By: "s2.py line 2, through torch"},
		"node errno and path":            {Want: WantPath, Errno: "ENOENT", What: "/etc/hostname"},
		"linker output":                  {Want: WantPath, Errno: "EROFS", What: "/usr/a.out"},
		"dash redirection":               {Want: WantPath, Errno: "EROFS", What: "/usr/f"},
		"shell line":                     {Want: WantPath, Errno: "EACCES", What: "/etc/mime.types"},
		"tool and quoted path":           {Want: WantPath, Errno: "EROFS", What: "/usr/x"},
		"tool and path":                  {Want: WantPath, Errno: "ENOENT", What: "/etc/hostname"},
		"perl die":                       {Want: WantPath, Errno: "ENOENT", What: "/etc/hostname"},
		"python os.environ":              {Want: WantEnv, What: "DATA_ROOT", By: "env.py line 2"},
		"shell variable":                 {Want: WantEnv, What: "DATA_ROOT"},
		"python module":                  {Want: WantModule, What: "mylib", By: "mod.py line 1"},
		"python -m":                      {Want: WantModule, What: "nosuchmodule"},
		"library":                        {Want: WantLibrary, What: "libnosuch.so.1", By: "lib.py line 2"},
		"linker library":                 {Want: WantLibrary, What: "-lnosuch"},
		"mapping":                        {Want: WantMapping, What: "/tmp/tmp9krazafa/k.so", By: "jit.py line 5"},
		"huggingface offline":            {Want: WantHost, What: "huggingface.co"},
		"huggingface cache":              {Want: WantHost, What: "huggingface.co"},
		"transformers":                   {Want: WantHost, What: "huggingface.co"},
		"urllib3 pool":                   {Want: WantHost, What: "huggingface.co", By: "req.py line 2, through requests"},
		"curl and git":                   {Want: WantHost, What: "huggingface.co"},
		"wget":                           {Want: WantHost, What: "huggingface.co"},
		"node getaddrinfo":               {Want: WantHost, What: "huggingface.co"},
		"python gaierror":                {Want: WantHost, What: "github.com", By: "hublib.py line 2, through torch"},
		"requests certificates":          {Want: WantHost, What: "huggingface.co", By: "req2.py line 2, through requests"},
		"python errno 97":                {Want: WantSocket, Errno: "EAFNOSUPPORT", What: "listen 8123", By: "server.py line 3"},
		"node listen":                    {Want: WantSocket, Errno: "EAFNOSUPPORT", What: "listen 8000"},
		"python fork":                    {Want: WantProcess, Errno: "EPERM", By: "dl.py line 4, through torch"},
		"bash fork":                      {Want: WantProcess, Errno: "EPERM"},
		"dash fork":                      {Want: WantProcess},
		"python thread":                  {Want: WantTasks, By: "th.py line 3"},
		"python errno 11":                {Want: WantTasks, By: "fk.py line 3"},
		"bash fork retry":                {Want: WantTasks},
		"libgomp":                        {Want: WantTasks},
		"dataloader":                     {Want: WantShm, By: ""},
		"torch shm":                      {Want: WantShm, By: "shm.py line 2, through torch"},
		"tool space":                     {Want: WantSpace},
		"python memory":                  {Want: WantMemory, By: "mem.py line 1"},
		"torch memory":                   {Want: WantMemory, By: "tmem.py line 2"},
		"cuda by number":                 {Want: WantGPU, What: "cuda-802", By: "load.py line 7, through torch"},
		"hip by number":                  {Want: WantGPU, What: "hip-100"},
	}
	for _, row := range texts {
		want, known := wants[row.name]
		text, there := examples[row.name]
		if !known || !there || strings.TrimSpace(text) == "" {
			t.Errorf("%s: no example or no expectation", row.name)
			continue
		}
		got := Read([]byte(text))
		if len(got) == 0 {
			t.Errorf("%s: nothing was understood of:\n%s", row.name, text)
			continue
		}
		g := got[0]
		if g.Want != want.Want || g.What != want.What || g.Errno != want.Errno || g.By != want.By && want.Want != WantShm {
			t.Errorf("%s: got %+v, want %+v", row.name, g, want)
		}
		if g.Text == "" {
			t.Errorf("%s: the report would repeat nothing of the message", row.name)
		}
	}
}

// Ordinary output is no sighting.
func TestReadLeavesOrdinaryOutputAlone(t *testing.T) {
	for _, text := range []string{
		"", "epoch 1: loss 0.13\nepoch 2: loss 0.09\n",
		"ValueError: [Errno is not a number]: '/x'\n",
		"KeyError: 'DATA_ROOT'\n", // a dictionary of the program's own
		"Traceback (most recent call last):\n  File \"/home/user/a.py\", line 1, in <module>\nKeyError: 'weights'\n",
		"INFO: saved to /data/out.pt: done\n",
		"note: Permission denied errors are normal here\n",
		"OSError: [Errno 5] Input/output error: '/data/x'\n", // a disk that fails
		"FileExistsError: [Errno 17] File exists: '/tmp/x'\n",
		"see https://huggingface.co/docs for help\n",
		"CUDA error rate 304 per hour\n", "benchmark: code=304\n", "using device cuda:0 of 8\n", "CUDA error: 9999\n", "out of memory\n", "unknown error\n", "operation not supported\n",
	} {
		if got := Read([]byte(text)); len(got) != 0 {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// A tail full of messages costs little, and any bytes are read without a panic.
func FuzzRead(f *testing.F) {
	f.Add([]byte("Traceback (most recent call last):\n  File \"/a/b.py\", line 3\nFileNotFoundError: [Errno 2] No such file or directory: '/x'\n"))
	f.Add([]byte("KeyError: 'A'\nfork: retry: Resource temporarily unavailable"))
	f.Fuzz(func(t *testing.T, tail []byte) {
		for _, g := range Read(tail) {
			if len(g.What) > maxWhat || len(g.Text) > 100 {
				t.Errorf("%+v", g)
			}
		}
	})
}
