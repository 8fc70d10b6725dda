package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/gputest"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// looking is a program that tells what of GPUs exists where it runs: what open(2) says of each node ("ENXIO": reached, with
// no driver behind it; "ENOENT": absent), and what /proc/driver, /sys and the environment show.
const looking = `
import errno, os, sys
def opened(path):
    try:
        os.close(os.open(path, os.O_RDWR)); return "opened"
    except OSError as e: return errno.errorcode[e.errno]
for path in sys.argv[1:]: print(path, opened(path))
print("dev", *sorted(n for n in os.listdir("/dev") if n.startswith(("nvidia", "dri", "kfd", "dxg"))))
for root in "/proc/driver", "/sys/bus/pci/devices", "/sys/class":
    print(root, *sorted(os.path.join(at[len(root)+1:], f) for at, _, fs in os.walk(root) for f in fs), *(sorted(os.listdir(root)) if root.endswith("devices") and os.path.isdir(root) else ()))
try: print("params", *[l.strip() for l in open("/proc/driver/nvidia/params") if l.startswith("Modify")])
except OSError as e: print("params", errno.errorcode[e.errno])
print("visible", os.environ.get("CUDA_VISIBLE_DEVICES"))
`

// needNodes is a host with eight H100s whose nodes are real.
func needNodes(t *testing.T) *gputest.Root {
	t.Helper()
	needBox(t)
	need(t, "python3")
	dir := folder(t)
	host := gputest.H100(t, dir, 8)
	realNodes(t, host)
	return host
}

// gpuRun is one run on such a host.
func gpuRun(t *testing.T, host *gputest.Root, lines string, change func(*Job), command ...string) (Result, string) {
	t.Helper()
	s := newStage(t)
	job := s.job("model", 0, command...)
	job.Models = nil
	job.Policy.Explicit = s.policyFile(lines)
	job.gpus = func() (gpu.Host, error) { return host.Discover(), nil }
	if change != nil {
		change(&job)
	}
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	job.Stdout, job.Stderr = out, out
	res, _ := Run(t.Context(), job)
	raw, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return res, string(raw)
}

// The whole way: what is asked for is found, planned, granted, seen inside, and reported. One GPU of eight exists inside,
// and nothing of its neighbours.
func TestOneGPUOfEightExistsInside(t *testing.T) {
	host := needNodes(t)
	var nodes []string
	for i := range 8 {
		nodes = append(nodes, fmt.Sprintf("/dev/nvidia%d", i))
	}
	nodes = append(nodes, "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset")
	command := append([]string{"/usr/bin/python3", "-c", looking}, nodes...)
	res, out := gpuRun(t, host, "", func(j *Job) { j.GPU.Names = []string{"3"} }, command...)
	if res.Exit == nil || res.Status != 0 {
		t.Fatalf("status %d, %+v\n%s", res.Status, res.Error, out)
	}
	for _, n := range nodes {
		want := n + " ENOENT\n"
		if n == "/dev/nvidia3" || n == "/dev/nvidiactl" || n == "/dev/nvidia-uvm" {
			want = n + " ENXIO\n"
		}
		if !strings.Contains(out, want) {
			t.Errorf("not %q:\n%s", want, out)
		}
	}
	for _, want := range []string{
		"dev nvidia-uvm nvidia3 nvidiactl\n",
		"/proc/driver nvidia/gpus/" + gputest.BusID(3) + "/information nvidia/params nvidia/version\n",
		"/sys/bus/pci/devices " + gputest.BusID(3) + "\n",
		"params ModifyDeviceFiles: 0\n",
		"visible " + gputest.UUID(3) + "\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("not %q:\n%s", want, out)
		}
	}
	g := res.GPU
	if grantedOf(g) != "3" || !slices.Equal(g.Requested, []string{"3"}) || g.Mode != "none" || len(g.Nodes) != 3 || g.Ioctls.Profile != "nvidia-580" || g.Ioctls.Mode != "strict" ||
		g.Fallback != "" || g.Granted[0].UUID != gputest.UUID(3) || g.Drivers[0].Version != gputest.Driver || g.Plan != nil {
		t.Errorf("the report: %+v", g)
	}
	followsSchema(t, res)
	var b strings.Builder
	Summary(&b, res, Style{})
	for _, want := range []string{" · gpu NVIDIA H100 80GB HBM3 (" + gputest.UUID(3) + ")", "weaker: a GPU is granted"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the summary has no %q:\n%s", want, b.String())
		}
	}

	// The same command without --gpu, on the same host.
	res, out = gpuRun(t, host, "", nil, command...)
	if res.GPU != nil || strings.Contains(out, "ENXIO") || !strings.Contains(out, "dev\n") || !strings.Contains(out, "params ENOENT") || !strings.Contains(out, "visible None") {
		t.Errorf("without a GPU: %+v\n%s", res.GPU, out)
	}
}

// A node that is its group's alone: root's command gets the group, and the report says so; nobody's but root's is refused.
func TestTheGroupOfANodeIsInTheReport(t *testing.T) {
	host := needNodes(t)
	const group = 47110
	for _, n := range []string{"nvidia3", "nvidiactl", "nvidia-uvm"} {
		if err := errors.Join(os.Chown(host.Path("/dev/"+n), 0, group), os.Chmod(host.Path("/dev/"+n), 0o660)); err != nil {
			t.Fatal(err)
		}
	}
	command := []string{"/usr/bin/python3", "-c", looking, "/dev/nvidia3"}
	res, out := gpuRun(t, host, "", func(j *Job) { j.GPU.Names = []string{"3"} }, command...)
	weaker := "the command is a member of the host's group 47110, to which a granted device node belongs"
	if res.Exit == nil || !strings.Contains(out, "/dev/nvidia3 ENXIO\n") || !slices.Contains(res.Weakened, weaker) {
		t.Errorf("%+v, weakened %q\n%s", res.Error, res.Weakened, out)
	}
	if err := os.Chown(host.Path("/dev/nvidia3"), 0, 0); err != nil {
		t.Fatal(err)
	}
	res, _ = gpuRun(t, host, "", func(j *Job) { j.GPU.Names = []string{"3"} }, command...)
	if res.Exit != nil || res.Status != 125 || res.Error == nil || !strings.Contains(res.Error.Hint, "NVreg_DeviceFileMode=0666") {
		t.Errorf("a node of root's alone: status %d, %+v", res.Status, res.Error)
	}
}

func TestLibrariesFromElsewhereExistInside(t *testing.T) {
	needNodes(t)
	host := librariesElsewhere(t, folder(t))
	res, out := gpuRun(t, host, "", func(j *Job) { j.GPU.Names = []string{"0"} }, "/bin/sh", "-c", `cat "$LD_LIBRARY_PATH/libcuda.so"; ls -d /nix /run/opengl-driver; touch "$LD_LIBRARY_PATH/x"`)
	if res.Exit == nil || !strings.Contains(out, "\x7fELF") || strings.Contains(out, "\n/nix") || !strings.Contains(out, "touch: ") {
		t.Errorf("%+v\n%s", res.Error, out)
	}
}

// followsSchema compares a report with the schema that is printed for it.
func followsSchema(t *testing.T, res Result) {
	t.Helper()
	c := jsonschema.NewCompiler()
	document := func(v any) any {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	if err := c.AddResource("report.json", document(ReportSchema())); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(document(res)); err != nil {
		t.Error(err)
	}
}

func grantedOf(g *GPUResult) string { return grantedIndices(&run{res: &Result{GPU: g}}) }

func TestTheAuditLogSaysWhichGPUWasGranted(t *testing.T) {
	host := needNodes(t)
	host.Write("/etc/cdi/nvidia.yaml", "cdiVersion: \"0.6.0\"\nkind: nvidia.com/gpu\ndevices:\n- name: \"3\"\n  containerEdits:\n    deviceNodes:\n    - {path: /dev/nvidia3}\n    - {path: /dev/nvidiactl}\n    - {path: /dev/nvidia-modeset}\n"+
		"    hooks:\n    - {hookName: createContainer, path: /usr/bin/nvidia-cdi-hook, args: [nvidia-cdi-hook, update-ldcache]}\n")
	res, out := gpuRun(t, host, "", func(j *Job) { j.GPU.Names = []string{"nvidia.com/gpu=3"} }, "/usr/bin/true")
	if res.Status != 0 {
		t.Fatalf("%+v\n%s", res.Error, out)
	}
	dir := t.TempDir()
	if err := Record(dir, res); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var line struct{ GPU auditGPU }
	if err := json.Unmarshal(raw, &line); err != nil {
		t.Fatal(err)
	}
	a := line.GPU
	if len(a.Offered) != 1 || !strings.HasPrefix(a.Offered[0], "nvidia.com/gpu=3 /etc/cdi/nvidia.yaml sha256:") || !strings.Contains(a.Offered[0], "/dev/nvidia-modeset") || !strings.Contains(a.Offered[0], "refused: hook") {
		t.Errorf("offered: %q", a.Offered)
	}
	if !slices.Equal(a.Granted, []string{"nvidia " + gputest.UUID(3)}) || !slices.Equal(a.Driver, []string{"nvidia " + gputest.Driver}) || !strings.HasPrefix(a.Ioctls, "nvidia-580 strict sha256:") {
		t.Errorf("granted: %+v", a)
	}
	if slices.ContainsFunc(a.Nodes, func(n string) bool { return strings.Contains(n, "modeset") }) || !slices.Contains(a.Nodes, "/dev/nvidia3 195:3") {
		t.Errorf("nodes: %q", a.Nodes)
	}
	if !slices.Equal(res.GPU.Offered[0].Granted.Nodes, []string{"/dev/nvidiactl", "/dev/nvidia3"}) && !slices.Equal(res.GPU.Offered[0].Granted.Nodes, []string{"/dev/nvidia3", "/dev/nvidiactl"}) {
		t.Errorf("of the offer was granted: %+v", res.GPU.Offered[0].Granted)
	}
}

// --dry-run shows the plan to a person and the same nodes in the OCI spec: bound, and permitted by number, each once.
func TestADryRunShowsTheGrant(t *testing.T) {
	host := needNodes(t)
	plan := func(change func(*Job)) (Result, *specs.Spec) {
		res, out := gpuRun(t, host, "", func(j *Job) { j.DryRun = true; change(j) }, "/usr/bin/true")
		spec, ok := res.Plan.(*specs.Spec)
		if !ok || res.Outcome != Planned {
			t.Fatalf("%s, %+v\n%s", res.Outcome, res.Error, out)
		}
		return res, spec
	}
	res, with := plan(func(j *Job) { j.GPU.Names = []string{gputest.UUID(3)} })
	_, without := plan(func(*Job) {})
	golden, err := os.ReadFile("testdata/gpu/h100-one-of-eight.txt")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	Summary(&b, res, Style{})
	if !strings.Contains(b.String(), string(golden)) {
		t.Errorf("not the golden plan:\n%s", b.String())
	}
	var nodes []string
	for _, m := range with.Mounts {
		if strings.HasPrefix(m.Destination, "/dev/nvidia") {
			nodes = append(nodes, m.Destination)
			if slices.Contains(m.Options, "nodev") || !slices.Contains(m.Options, "ro") || !slices.Contains(m.Options, "nosuid") || !slices.Contains(m.Options, "noexec") {
				t.Errorf("%s is bound with %q", m.Destination, m.Options)
			}
		}
	}
	slices.Sort(nodes)
	if !slices.Equal(nodes, []string{"/dev/nvidia-uvm", "/dev/nvidia3", "/dev/nvidiactl"}) {
		t.Errorf("nodes: %q", nodes)
	}
	rules := func(s *specs.Spec) (out []string) {
		if s.Linux.Resources == nil {
			return nil
		}
		for _, d := range s.Linux.Resources.Devices {
			if d.Allow && d.Major != nil && d.Minor != nil {
				out = append(out, fmt.Sprintf("%s %d:%d %s", d.Type, *d.Major, *d.Minor, d.Access))
			}
		}
		slices.Sort(out)
		return out
	}
	more := slices.DeleteFunc(rules(with), func(r string) bool { return slices.Contains(rules(without), r) })
	if !slices.Equal(more, []string{"c 195:255 rw", "c 195:3 rw", fmt.Sprintf("c %d:0 rw", gputest.UVM)}) {
		t.Errorf("device rules beside those of every box: %q", more)
	}
	followsSchema(t, res)
	if res.GPU.Plan == nil || len(res.GPU.Plan.Nodes) != 3 {
		t.Errorf("the report's plan: %+v", res.GPU.Plan)
	}
}

// learn works with a GPU as run does: the same nodes, and a proposal.
func TestLearnWithAGPU(t *testing.T) {
	host := needNodes(t)
	s := newStage(t)
	job := s.job("model", 0, "/usr/bin/python3", "-c", looking, "/dev/nvidia3", "/dev/nvidia0")
	job.Models, job.GPU.Names = nil, []string{"3"}
	job.Policy.Explicit = s.policyFile("")
	job.gpus = func() (gpu.Host, error) { return host.Discover(), nil }
	out, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	job.Stdout, job.Stderr = out, out
	res, proposal, _ := Learn(t.Context(), job)
	raw, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	if res.Status != 0 || !strings.Contains(string(raw), "/dev/nvidia3 ENXIO\n/dev/nvidia0 ENOENT\n") {
		t.Errorf("status %d, %+v\n%s", res.Status, res.Error, raw)
	}
	if text := proposal.YAML(); !strings.Contains(text, "name") {
		t.Errorf("the proposal:\n%s", text)
	}
}
