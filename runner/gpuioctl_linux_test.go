package runner

import (
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate"
)

// A command of ioctl that is on no list: refused and explained, or carried out and named, as the policy says.
func TestACommandThatIsOnNoListIsNamed(t *testing.T) {
	host := needNodes(t)
	const call = `
import fcntl, os
fd = os.pipe()[0]
for word in 0xc01046d3, 0xc01046d3, 0xc020462a:
    try: fcntl.ioctl(fd, word, b"")
    except OSError as e: print(e.errno, end=" ")
`
	for _, tt := range []struct {
		lines, out    string
		denied        int64
		note, explain string
	}{
		{"", "1 1 25 ", 2, "", "gpu: {ioctl_filter: log}"},
		{`gpu: {ioctl_filter: log}`, "25 25 25 ", 0, "ioctl commands that are not on the list nvidia-580 were carried out: NV_ESC_IOCTL_XFER_CMD 2× (gpu.ioctl_filter: log)", "nothing is known to have been refused"},
		{`gpu: {ioctl_filter: "off"}`, "25 25 25 ", 0, "", "nothing is known to have been refused"},
	} {
		res, out := gpuRun(t, host, tt.lines, func(j *Job) { j.GPU.Names = []string{"0"} }, "/usr/bin/python3", "-c", call)
		if res.Exit == nil || out != tt.out {
			t.Fatalf("%q: %+v\n%s", tt.lines, res.Error, out)
		}
		of := func(list []isolate.Denial) (n int64) {
			for _, d := range list {
				if d.Call == "ioctl" && d.Arg == "NV_ESC_IOCTL_XFER_CMD" {
					n += d.Count
				}
			}
			return n
		}
		if n := of(res.Denials); n != tt.denied || res.DeniedCalls() != tt.denied {
			t.Errorf("%q: %d refused, %d in all", tt.lines, n, res.DeniedCalls())
		}
		noted := int64(0)
		if tt.note != "" {
			noted = 2
		}
		if n := of(res.GPU.Ioctls.Unlisted); n != noted || (tt.note != "") != slices.Contains(res.Notes, tt.note) {
			t.Errorf("%q: %d noted, %q", tt.lines, n, res.Notes)
		}
		followsSchema(t, res)
		var b strings.Builder
		Refused(&b, res, Style{})
		if !strings.Contains(b.String(), tt.explain) {
			t.Errorf("%q: explained as\n%s", tt.lines, b.String())
		}
		for _, d := range res.Denials {
			t.Logf("%+v", d)
		}
	}
}

func TestCommandsOfIoctlAreExplained(t *testing.T) {
	for what, want := range map[string]string{
		"ioctl":                   "NV_ESC_RM_CONTROL",
		"NV_ESC_IOCTL_XFER_CMD":   "left out: carries any other command inside",
		"0xc01046d3":              "NV_ESC_IOCTL_XFER_CMD",
		"UVM_MIGRATE_RANGE_GROUP": "until driver branch 595",
		"NV_ESC_RM_CONTROL":       "of this size",
		"AMDKFD_IOC_SVM":          "of any size",
	} {
		var b strings.Builder
		if err := Explain(&b, what, t.TempDir(), Style{}); err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("%s: %v\n%s", what, err, b.String())
		}
	}
	for _, what := range []string{"NV_ESC_NO_SUCH", "0x12345678", "1e9", ""} {
		if explainCommand(&strings.Builder{}, what, Style{}) {
			t.Errorf("%q is explained", what)
		}
	}
}
