package runner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatTakesThePlaceOfAnInstalledModuleIsNamed(t *testing.T) {
	root := host(t, map[string]string{
		"/usr/lib/python3.11/os.py": "", "/usr/lib/python3.11/random.py": "", "/usr/lib/python3.11/json/__init__.py": "", "/usr/lib/python3.11/lib-dynload/_bz2.cpython-311-x86_64-linux-gnu.so": "",
		"/usr/lib/python3.12/os.py": "", "/usr/lib/python3.12/newer.py": "",
		"/usr/lib/python3/dist-packages/torch/__init__.py": "", "/usr/local/lib/python3.11/dist-packages/numpy/__init__.py": "", "/usr/lib/python3/dist-packages/tests/__init__.py": "",
		"/venv/bin/python": "-> /usr/bin/python3.11", "/venv/pyvenv.cfg": "home = /usr/bin\n",
		"/venv/lib/python3.11/site-packages/onnx/__init__.py": "", "/venv/lib/python3.11/site-packages/mine": "-> /home/u/proj/mine",
		"/home/u/proj/load.py": "", "/home/u/proj/random.py": "", "/home/u/proj/torch/__init__.py": "", "/home/u/proj/json/data.txt": "", "/home/u/proj/numpy.cpython-311-x86_64-linux-gnu.so": "",
		"/home/u/proj/_bz2.pyc": "", "/home/u/proj/newer.py": "", "/home/u/proj/os.py": "", "/home/u/proj/tests/__init__.py": "", "/home/u/proj/utils.py": "", "/home/u/proj/onnx/__init__.py": "",
		"/home/u/proj/mine/__init__.py": "", "/home/u/proj/torch.json": "", "/home/u/proj/nu-mpy.py": "",
		"/home/u/itself/random.py": "",
		"/home/u/clean/load.py":    "", "/home/u/clean/__pycache__/": "", "/home/u/clean/pkg/__pycache__/x.pyc": "", "/home/u/clean/.hidden/__pycache__/": "", "/home/u/clean/env/pyvenv.cfg": "", "/home/u/clean/env/__pycache__/": "",
	})
	for _, c := range []struct{ name, command, want string }{
		{"the system's Python", "python3 load.py", "_bz2.pyc numpy.cpython-311-x86_64-linux-gnu.so random.py torch"},
		{"a virtual environment has other packages", "/venv/bin/python load.py", "_bz2.pyc onnx random.py"},
		{"the path is safe", "python3 -P load.py", ""},
		{"isolated, among other letters", "python3 -uI load.py", ""},
		{"another option's value", "python3 -W Ignore load.py", "_bz2.pyc numpy.cpython-311-x86_64-linux-gnu.so random.py torch"},
		{"the working directory is not visible", "python3 -c pass", ""},
		{"the script itself", "python3 ../itself/random.py", ""},
		{"another language", "sh load.py", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := discover(root, Command{Args: strings.Fields(c.command), Dir: "/home/u/proj", Home: "/home/u", Env: []string{"PATH=/usr/bin"}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range found.Shadows {
				got = append(got, filepath.Base(s.Path))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got  %q\nwant %q", strings.Join(got, " "), c.want)
			}
		})
	}
	found, err := discover(root, Command{Args: []string{"python3", "/home/u/clean/load.py"}, Dir: "/home/u/clean", Home: "/home/u", Env: []string{"PATH=/usr/bin"}})
	if err != nil || strings.Join(found.Masks, " ") != "/home/u/clean/__pycache__ /home/u/clean/pkg/__pycache__" {
		t.Errorf("%v, masks %q", err, found.Masks)
	}
	found, err = discover(root, Command{Args: []string{"python3", "-c", "pass"}, Dir: "/home/u/proj", Home: "/home/u", Env: []string{"PATH=/usr/bin"}, Shown: []string{"/home/u/proj"}})
	if err != nil || len(found.Shadows) != 4 {
		t.Errorf("with the working directory shown: %v, %v", err, found.Shadows)
	}
}

func TestAFolderOfModulesThatEverybodyMayWriteToIsNamed(t *testing.T) {
	root := host(t, map[string]string{"/usr/lib/python3/dist-packages/torch/": "", "/home/u/proj/load.py": "", "/home/u/proj/helper.py": ""})
	look := func() string {
		found, err := discover(root, Command{Args: []string{"python3", "load.py"}, Dir: "/home/u/proj", Home: "/home/u", Env: []string{"PATH=/usr/bin"}})
		must(t, err)
		return strings.Join(found.Notes, "\n")
	}
	must(t, os.Chmod(filepath.Join(string(root), "/usr/lib/python3/dist-packages"), 0o775))
	if notes := look(); strings.Contains(notes, "every user") {
		t.Errorf("a group's folder: %s", notes)
	}
	must(t, os.Chmod(filepath.Join(string(root), "/usr/lib/python3/dist-packages"), 0o777))
	if notes := look(); !strings.Contains(notes, `every user of this machine may write to "/usr/lib/python3/dist-packages"`) {
		t.Errorf("notes %q", notes)
	}
	must(t, os.Chmod(filepath.Join(string(root), "/usr/lib/python3/dist-packages"), 0o755))
	must(t, os.Chmod(filepath.Join(string(root), "/home/u/proj"), 0o777))
	if notes := look(); !strings.Contains(notes, `"/home/u/proj"`) {
		t.Errorf("the script's own folder: notes %q", notes)
	}
}
