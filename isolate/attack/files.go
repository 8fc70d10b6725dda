package attack

import "path/filepath"

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
			ID: "F-07", Title: "writes into the model", Layers: []string{"mount", "landlock"},
			Probes: []Probe{
				{Name: "file", Try: func(in *Inside) string { return Write(filepath.Join(in.Model, "model.safetensors")) },
					Want: Saw{"EROFS": "mount", "EACCES": "landlock"}, Through: []string{"through"}},
			},
		},
	}
}
