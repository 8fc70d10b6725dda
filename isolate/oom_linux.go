package isolate

import (
	"os"
	"strconv"
	"strings"
)

// oomAbove is how much earlier than the supervisor the workload is chosen when the whole machine is out of memory, in
// thousandths of it (proc_pid_oom_score_adj(5)). Where the supervisor lacks CAP_SYS_RESOURCE the workload can take it
// back, but never go below the supervisor; the kernel then takes the larger one.
const oomAbove = 200

// workloadOOM is the oom_score_adj of the workload.
func workloadOOM() int { return min(oomScoreAdj("/proc/self")+oomAbove, 1000) }

// oomScoreAdj is that of the process with this folder of /proc; 0, as usual, where it cannot be read.
func oomScoreAdj(dir string) int {
	raw, _ := os.ReadFile(dir + "/oom_score_adj")
	n, _ := strconv.Atoi(strings.TrimSpace(string(raw)))
	return n
}
