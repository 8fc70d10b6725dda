package runner

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/isolate/gpu"
)

// text is what a grant adds to the box, for a person: what --dry-run shows.
func (res *GPUResult) text(p gpu.Plan) string {
	var b strings.Builder
	for i, g := range res.Granted {
		rows(&b, map[bool]string{true: "gpu"}[i == 0], []string{g.String()})
	}
	var drivers, nodes, mounts, proc, links, commands []string
	for _, d := range res.Drivers {
		drivers = append(drivers, fmt.Sprintf("%s %s", d.Vendor, Plain(d.Version)))
	}
	for _, n := range p.Nodes {
		nodes = append(nodes, fmt.Sprintf("%-36s c %3d:%-4d rw  %s", n.Path, n.Major, n.Minor, n.Why))
	}
	for _, m := range p.Mounts {
		mounts = append(mounts, fmt.Sprintf("%-36s read-only  %s", m.Target, m.Why))
	}
	for _, name := range slices.Sorted(maps.Keys(p.Links)) {
		links = append(links, name+" -> "+p.Links[name])
	}
	for _, words := range res.Ioctls.chunks(p) {
		commands = append(commands, strings.Join(words, " "))
	}
	rows(&b, "driver", drivers)
	rows(&b, "nodes", nodes)
	rows(&b, "mounts", mounts)
	for _, name := range slices.Sorted(maps.Keys(p.Proc)) {
		if strings.Contains(p.Proc[name], "ModifyDeviceFiles: 0\n") {
			proc = append(proc, fmt.Sprintf("%-36s ModifyDeviceFiles: 0", name))
			continue
		}
		proc = append(proc, name)
	}
	rows(&b, "/proc/driver", proc)
	rows(&b, "files", slices.Sorted(maps.Keys(p.Files)))
	rows(&b, "links", links)
	rows(&b, "environment", p.Env)
	rows(&b, "ioctl", append([]string{fmt.Sprintf("%s, %s, %d commands, sha256:%s", res.Ioctls.Profile, res.Ioctls.Mode, res.Ioctls.Words, res.Ioctls.Digest)}, commands...))
	rows(&b, "memory limit", res.memoryWords())
	for _, o := range res.Offered {
		rows(&b, "CDI", offered(o))
	}
	return b.String()
}

// rows prints lines under one name. The text may come from the host's drivers and specs.
func rows(b *strings.Builder, name string, lines []string) {
	for _, line := range lines {
		fmt.Fprintf(b, "  %-13s %s\n", name, Plain(line))
		name = ""
	}
}

// chunks are the commands of the filter, eight to a line: 0xc020462a, and of any size 0x46c8/0xc000ffff.
func (list *GPUIoctls) chunks(p gpu.Plan) (lines [][]string) {
	var words []string
	for _, w := range p.Ioctls.Words {
		words = append(words, fmt.Sprintf("%#08x", w))
	}
	for _, m := range p.Ioctls.Masked {
		words = append(words, fmt.Sprintf("%#x/%#x", m.Value, m.Mask))
	}
	return slices.Collect(slices.Chunk(words, 8))
}
