package attack

import (
	"os"
	"path/filepath"
)

// files are attacks on files, mounts and links.
func files() []Check {
	return []Check{
		{
			ID: "F-01", Title: "reads files of the host", Layers: []string{"mount"},
			Probes: []Probe{
				{Name: "marker", Try: func(in *Inside) string { return Read(in.Secret) }, Want: Saw{"ENOENT": "mount"}, Through: []string{"through"}},
				{Name: "shadow", Try: func(in *Inside) string { return Read("/etc/shadow") }, Want: Saw{"ENOENT": "mount"}, Through: []string{"through"}},
			},
		},
		{
			ID: "F-07", Title: "writes into the model", Layers: []string{"mount", "landlock", "user"},
			Probes: []Probe{
				{Name: "file", Try: func(in *Inside) string { return Write(in.modelFile()) },
					Want: Saw{"EROFS": "mount", "EACCES": "user"}, Through: []string{"through"}}, // whose file it is, is asked first
				{Name: "create", Try: func(in *Inside) string { return create(filepath.Join(in.Model, in.Mark)) },
					Want: Saw{"EROFS": "mount", "EACCES": "landlock"}, Through: []string{"through"}},
				{Name: "replace", Try: func(in *Inside) string { return Errno(os.Rename(in.modelFile(), in.modelFile())) },
					Want: Saw{"EROFS": "mount", "EACCES": "landlock"}, Through: []string{"through"}},
			},
		},
	}
}

func (c Canary) modelFile() string { return filepath.Join(c.Model, "model.safetensors") }

// create makes a file and removes it again.
func create(name string) string {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err == nil {
		f.Close()
		err = os.Remove(name)
	}
	return Errno(err)
}
