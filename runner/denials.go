package runner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/isolate"
)

// denials puts what the box has counted into the result.
func (r *run) denials() {
	list, why := r.box.Denials()
	if list != nil {
		r.res.Denials = list
	}
	r.res.DenialsNotCounted = why
	if r.res.GPU != nil && r.res.GPU.Ioctls != nil {
		r.res.GPU.Ioctls.Unlisted = r.box.Noted()
		r.res.Notes = append(r.res.Notes, r.res.GPU.Ioctls.notes(why)...)
	}
}

// notes say which commands of ioctl were carried out in mode log although no list has them. uncounted is why nobody looked.
func (list *GPUIoctls) notes(uncounted string) []string {
	switch {
	case list.Mode != "log":
		return nil
	case uncounted != "":
		return []string{"ioctl commands that are not on the list " + list.Profile + " are lines of the kernel's log (type=1326), which do not name them: " + uncounted}
	case len(list.Unlisted) == 0:
		return []string{"every ioctl command was on the list " + list.Profile + ": gpu.ioctl_filter: strict would have refused none"}
	}
	var names []string
	for _, d := range list.Unlisted {
		names = append(names, fmt.Sprintf("%s %d×", d.Arg, d.Count))
	}
	return []string{fmt.Sprintf("ioctl commands that are not on the list %s were carried out: %s (gpu.ioctl_filter: log)", list.Profile, strings.Join(names, ", "))}
}

// failOnDenial is --fail-on-denial: a command that ended with 0 has failed when unusual calls were refused to it, or
// when the counting did not last to the end.
func (r *run) failOnDenial() {
	if !r.job.FailOnDenial || r.res.Outcome != Exited || r.res.Status != 0 {
		return
	}
	if r.res.DeniedCalls() > 0 || r.res.DenialsNotCounted != "" {
		r.res.Outcome, r.res.Status = Denied, 123
	}
}

// DeniedCalls is how many calls were refused, without the usual ones: those that ordinary programs try, and go on
// without.
func (res Result) DeniedCalls() (n int64) {
	for _, d := range res.Denials {
		if d.Usual == "" {
			n += d.Count
		}
	}
	return n
}

// deniedPart is the summary's word about refused calls; none when there were none.
func deniedPart(res Result) []string {
	var parts []string
	if n := res.DeniedCalls(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d denied call%s (loadlock explain last)", n, map[bool]string{false: "s"}[n == 1]))
	}
	if res.DenialsNotCounted != "" {
		parts = append(parts, "denied calls not counted: "+res.DenialsNotCounted)
	}
	return parts
}

// maxLast bounds the denials that a time limit's summary names.
const maxLast = 3

// lastDenials names what was refused last before the time limit: often the reason why nothing went on.
func lastDenials(b *strings.Builder, res Result) {
	last := slices.DeleteFunc(slices.Clone(res.Denials), func(d isolate.Denial) bool { return d.Usual != "" })
	slices.SortStableFunc(last, func(a, b isolate.Denial) int { return int(b.Last - a.Last) })
	for _, d := range last[:min(maxLast, len(last))] {
		fmt.Fprintf(b, "          denied before: %s, %d×, last after %s\n", denialWords(d), d.Count, short(d.Last))
	}
}

// denialWords is a denial for a line: "socket(AF_NETLINK) was refused (EAFNOSUPPORT, by /usr/bin/python3.11)". The
// program's name is the workload's choice.
func denialWords(d isolate.Denial) string {
	by := ""
	if d.Program != "" {
		by = ", by " + Plain(d.Program)
	}
	return fmt.Sprintf("%s(%s) was refused (%s%s)", d.Call, d.Arg, d.Errno, by)
}
