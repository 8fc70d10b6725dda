package validate

import "fmt"

// Bytes that a scanner did not explain are already a reason not to admit the file. Whether they are hostile is still
// worth knowing: a loader that goes on reading behind an array, or finds an archive by its end, runs what lies there.
// So the last of them are judged as a file of their own, and only what is certain to be hostile is reported.

const (
	gapsJudged  = 2        // of one file, from the end
	paddingMost = 64 << 10 // zeros and line ends in front of what is hidden
)

// judgeGaps looks into unexplained bytes. It does not look into those of what was itself found that way.
func (r *run) judgeGaps(p *Pass, gaps []gap) {
	if p.onlyHigh || p.Depth >= p.run.limits.MaxDepth || p.failed != nil {
		return
	}
	for _, g := range gaps[max(0, len(gaps)-gapsJudged):] {
		off := g.off
		if g.overlap || off == 0 {
			continue // all of the file was looked at
		}
		if off = p.skipPadding(off, g.off+g.n); off+1 >= g.off+g.n {
			continue
		}
		p.onlyHigh = true
		_, err := p.Descend(fmt.Sprintf("bytes@%#x", off), p.Section(off, g.off+g.n-off), g.off+g.n-off)
		if p.onlyHigh = false; err != nil {
			return
		}
	}
}

// skipPadding returns where something else than zeros and line ends begins.
func (p *Pass) skipPadding(off, end int64) int64 {
	b := make([]byte, min(paddingMost, end-off))
	n, _ := p.ReadAt(b, off)
	for _, c := range b[:n] {
		if c != 0 && c != '\n' && c != '\r' {
			break
		}
		off++
	}
	return off
}
