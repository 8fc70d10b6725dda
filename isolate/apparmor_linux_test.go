package isolate

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheAppArmorProfileParses(t *testing.T) {
	need(t, "apparmor_parser")
	for _, path := range []string{packagedPath, "/opt/a b/load[lock]*{x,y}?^@{HOME}"} {
		text := AppArmorProfile(path)
		if strings.Contains(path, " ") == strings.Contains(text, packagedPath) {
			t.Errorf("%s: the profile is for another program:\n%s", path, text)
		}
		// AppArmor 3, which Debian 12 has, knows neither this abi nor userns; what is left is read by any version.
		old := strings.NewReplacer("abi <abi/4.0>,", "abi <abi/3.0>,", "\tuserns,\n", "").Replace(text)
		for _, syntax := range []string{text, old} {
			if syntax == text && exec.Command("test", "-e", "/etc/apparmor.d/abi/4.0").Run() != nil {
				continue
			}
			file := filepath.Join(t.TempDir(), "profile")
			if err := os.WriteFile(file, []byte(syntax), 0o644); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command("apparmor_parser", "--skip-kernel-load", "--skip-cache", "--names", file).Output()
			if err != nil || !strings.HasPrefix(string(out), "loadlock") {
				t.Errorf("%v: %s\n%s", err, out, syntax)
			}
		}
	}
}

// Without this near-miss the test above could accept anything.
func TestABrokenAppArmorProfileDoesNotParse(t *testing.T) {
	need(t, "apparmor_parser")
	cmd := exec.Command("apparmor_parser", "--skip-kernel-load", "--skip-cache", "--names")
	cmd.Stdin = strings.NewReader(strings.Replace(AppArmorProfile(packagedPath), "flags=(unconfined)", "flags=(unconfinedd)", 1))
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("parsed: %s", out)
	}
}
