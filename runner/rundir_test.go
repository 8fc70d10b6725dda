package runner

import (
	"os"
	"path/filepath"
	"testing"
)

func TestARunFolderVanishesAndLeftoversOfKilledRunsAreSwept(t *testing.T) {
	base := filepath.Join(t.TempDir(), "base")
	live, err := newRunDir(base)
	if err != nil {
		t.Fatal(err)
	}
	dead, err := newRunDir(base)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dead.private(), "copy"), []byte("x"), 0o444); err != nil {
		t.Fatal(err)
	}
	dead.lock.Close() // what the kernel does when the supervisor is killed
	third, err := newRunDir(base)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead.path); !os.IsNotExist(err) {
		t.Errorf("the leftover is still there: %v", err)
	}
	if _, err := os.Stat(live.path); err != nil {
		t.Errorf("a live run was swept: %v", err)
	}
	for _, d := range []*runDir{live, third} {
		if err := d.remove(); err != nil {
			t.Error(err)
		}
	}
	if left, _ := os.ReadDir(base); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestABaseFolderThatOthersMayWriteIsRefused(t *testing.T) {
	base := filepath.Join(t.TempDir(), "base")
	if err := os.Mkdir(base, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(base, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := newRunDir(base); err == nil {
		t.Error("accepted")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if _, err := newRunDir(link); err == nil {
		t.Error("a link was accepted")
	}
}

func TestThePrivateFolderIsClosedToOthers(t *testing.T) {
	d, err := newRunDir(filepath.Join(t.TempDir(), "base"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.remove()
	info, err := os.Stat(d.private())
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// What an earlier boot left has no processes and no cgroups; the numbers in it mean others.
func TestALeftoverOfAnEarlierBootEndsNothing(t *testing.T) {
	groups := "/sys/fs/cgroup/pids"
	if _, err := os.Stat(groups); err != nil {
		groups = "/sys/fs/cgroup"
	}
	for _, tt := range []struct {
		what, boot string
		stays      bool
	}{{"this boot's", "", false}, {"an earlier boot's", "00000000-0000-0000-0000-000000000000", true}} {
		base := filepath.Join(t.TempDir(), "base")
		dead, err := newRunDir(base)
		if err != nil {
			t.Fatal(err)
		}
		if tt.boot != "" {
			if err := os.WriteFile(dead.lock.Name(), []byte(tt.boot), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		group := filepath.Join(groups, "loadlock-"+dead.id)
		root := os.Mkdir(group, 0o755) == nil
		defer os.Remove(group)
		dead.lock.Close()
		next, err := newRunDir(base)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(dead.path); !os.IsNotExist(err) {
			t.Errorf("%s leftover is still there: %v", tt.what, err)
		}
		if _, err := os.Stat(group); root && (err == nil) != tt.stays {
			t.Errorf("%s cgroup: %v", tt.what, err)
		}
		if err := next.remove(); err != nil {
			t.Error(err)
		}
	}
}
