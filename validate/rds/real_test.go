package rds

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func TestWhatRWrites(t *testing.T) {
	rscript, err := exec.LookPath("Rscript")
	validatetest.Need(t, "R", err)
	dir := t.TempDir()
	script := `
data <- list(a = 1:10, b = c(1.5, NA, Inf), s = c("text", NA, "\u00e9 x\ny"), f = factor(c("u", "v", "u")), m = matrix(1:4, 2), z = 1i, r = as.raw(0:3),
  d = data.frame(x = 1:3, y = letters[1:3]), n = NULL, l = TRUE, date = as.Date("2024-01-01"), nested = list(list(list(1))), pair = pairlist(q = 1))
for (v in 2:3) for (a in c(TRUE, FALSE)) saveRDS(data, sprintf("data%d%s.rds", v, a), version = v, ascii = a, compress = FALSE)
save(data, file = "data.rda", compress = FALSE)
save(data, file = "text.rda", ascii = TRUE, compress = FALSE)
saveRDS(lm(dist ~ log(speed), cars), "lm.rds", compress = FALSE)
saveRDS(hclust(dist(matrix(1:9, 3))), "hclust.rds", compress = FALSE)
saveRDS(glm(dist ~ speed, data = cars), "program1.rds", compress = FALSE)
saveRDS(function(x) x + 1, "program2.rds", compress = FALSE)
saveRDS(quote(system("id")), "program3.rds", compress = FALSE, ascii = TRUE)
saveRDS(compiler::cmpfun(function(x) x), "program4.rds", compress = FALSE)
saveRDS(new.env(), "reference1.rds", compress = FALSE)
`
	cmd := exec.Command(rscript, "-e", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := filepath.Glob(dir + "/*.rd*")
	if err != nil || len(files) != 13 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(f)
		rep := scanAs(name, b)
		want := strings.TrimRight(strings.TrimSuffix(name, ".rds"), "1234")
		bad := want == "program" || want == "reference"
		if !bad && !clean(rep) || bad && (len(rep.Findings) == 0 || !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == "rds/"+want })) {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}
