package runner

import (
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// secretNames are files and folders that hold credentials or the user's history (the places that the
// tools' own manuals name), in lower case. A pattern is one of package path.
var secretNames = []string{
	// settings of a project
	".env", ".env.*", ".envrc", ".secrets", ".streamlit", "secrets.json", "secrets.toml", "secrets.yaml", "secrets.yml",
	"credentials.json", "client_secret*.json", "service-account*.json", "service_account*.json",
	// version control: remotes carry tokens, and history carries what was deleted
	".git", ".hg", ".svn", ".git-credentials", ".gitconfig",
	// keys
	".ssh", ".gnupg", ".password-store", "id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk",
	"*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.kdbx", "*.keytab",
	// package registries and model hubs
	".netrc", "_netrc", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pypirc", ".condarc", ".huggingface", ".kaggle", ".wandb", ".cargo",
	// clouds and clusters
	".aws", ".azure", ".boto", ".gcloud", ".s3cfg", ".docker", ".dockercfg", ".kube", ".terraform", ".terraform.d", ".terraformrc", ".vault-token",
	// databases, settings, history
	".pgpass", ".my.cnf", ".config", ".bash_history", ".zsh_history", ".python_history", ".history", ".mozilla",
}

// secretName reports whether a file or folder of this name is hidden.
func secretName(name string) bool {
	lower := strings.ToLower(name)
	return slices.ContainsFunc(secretNames, func(pattern string) bool {
		ok, err := path.Match(pattern, lower)
		return err != nil || ok // a bad pattern hides everything; a test reads the table
	})
}

// special are files that lead to another program rather than to data: a read-only mount does not stop a
// connection to a socket.
const special = fs.ModeSocket | fs.ModeNamedPipe | fs.ModeDevice | fs.ModeCharDevice

// masks hides the secrets at the top of every folder of the user that is bound.
func (f *finder) masks() {
	seen := map[string]bool{}
	for _, b := range f.found.Binds {
		if !f.own[b.Target] {
			continue
		}
		list, err := f.entries(b.Target)
		if err != nil { // it may still be entered: hide what can be guessed
			for _, name := range secretNames {
				f.mask(filepath.Join(b.Target, name), seen)
			}
		}
		for _, e := range list {
			if secretName(e.Name()) || e.Type()&special != 0 {
				f.mask(filepath.Join(b.Target, e.Name()), seen)
			}
		}
	}
	slices.Sort(f.found.Masks)
}

// mask hides p, but nothing that was bound for its own sake: a virtual environment may be named .env. A
// link is hidden at its end, where that is visible; a mount cannot cover a link.
func (f *finder) mask(p string, seen map[string]bool) {
	w, err := f.walk(p)
	if err != nil || seen[w.real] || !f.own[f.nearest(w.real).Target] {
		return // it leads nowhere inside, or to the system's files
	}
	seen[w.real] = true
	needed := false
	for _, k := range f.needed() {
		if k == w.real {
			return
		}
		needed = needed || within(k, w.real)
	}
	if needed {
		if list, err := f.entries(w.real); err == nil {
			for _, e := range list {
				f.mask(filepath.Join(w.real, e.Name()), seen)
			}
			return
		}
	}
	f.found.Masks = append(f.found.Masks, w.real)
}

// needed are the paths that must stay visible.
func (f *finder) needed() []string {
	out := slices.Clone(f.keep)
	for _, b := range f.found.Binds {
		out = append(out, b.Target)
	}
	return out
}
