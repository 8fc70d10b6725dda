package tarfile

import "github.com/loadlock/loadlock/validate"

const asWritten = "ask for the archive as its writer made it"

// Rules about what no writer makes.
var (
	slip = &validate.Rule{ID: "tar/slip", Title: "member name that leads outside the folder or hides what it is", Severity: validate.High,
		Why: "Unpacking the archive writes where the attacker wants, or shows another name than it writes.", Fix: "do not unpack it",
		Hostile: "../../.bashrc", Benign: "./a..b", Refs: []string{"CWE-22", "CVE-2007-4559"}}
	special = &validate.Rule{ID: "tar/special-file", Title: "member that is a device, or a link that leads outside", Severity: validate.High,
		Why: "Unpacking it reaches outside the folder; what is written next goes through the link.", Fix: "do not unpack it",
		Hostile: "a symbolic link to /etc", Benign: "a regular file", Refs: []string{"CWE-59", "CVE-2025-4330"}}
	contents = &validate.Rule{ID: "tar/two-contents", Title: "member whose name or size is not the same for all readers", Severity: validate.High,
		Why: "Readers that believe another header see other members, and one of them may be hidden in the content of another.",
		Fix: asWritten, Hostile: "size 0 in the header, 512 in the extended header", Benign: "a file above 8 GiB with its size in the extended header alone",
		Refs: []string{"CVE-2025-62518"}}
	after = &validate.Rule{ID: "tar/second-archive", Title: "members after the end of the archive", Severity: validate.High,
		Why: "Most readers stop at the end mark; tar --ignore-zeros and others find a second archive.", Fix: asWritten,
		Hostile: "two archives, one after the other", Benign: "zeros up to the end of a record"}
)

// Rules about what readers see differently, or what is not judged.
var (
	badName = &validate.Rule{ID: "tar/name", Title: "member name that reads differently on other systems", Severity: validate.Medium,
		Why: "Readers split or decode the name in different ways and find another member.", Fix: asWritten,
		Hostile: `a\b.pkl`, Benign: "./a/b.pkl"}
	duplicate = &validate.Rule{ID: "tar/duplicate", Title: "two members of one name", Severity: validate.Medium,
		Why: "Readers that look for a name take the last, readers that walk the archive the first.", Fix: asWritten,
		Hostile: "data.pkl and DATA.PKL", Benign: "a/data.pkl and b/data.pkl"}
	link = &validate.Rule{ID: "tar/link", Title: "member that is a link or a pipe", Severity: validate.Medium,
		Why: "What it stands for depends on who unpacks it, where and when.", Fix: "ask for an archive of files (tar --dereference --hard-dereference)",
		Hostile: "a link to data.pkl, which a later member replaces", Benign: "a second copy of the file", Refs: []string{"CWE-59"}}
	sparse = &validate.Rule{ID: "tar/sparse", Title: "sparse file", Severity: validate.Medium,
		Why: "Readers that do not know the form of its map see other bytes.", Fix: "ask for an archive without sparse files",
		Hostile: "type S with a map", Benign: "a file of zeros"}
	kind = &validate.Rule{ID: "tar/type", Title: "member of a type that is not in the standard", Severity: validate.Medium,
		Why: "Some readers take it for a file, others skip it.", Fix: asWritten, Hostile: "type V", Benign: "type 0"}
	extended = &validate.Rule{ID: "tar/extended", Title: "extended header with unknown or repeated keys", Severity: validate.Medium,
		Why: "Extended headers give members other names and sizes, and keys that a reader does not know it skips.", Fix: asWritten,
		Hostile: "the key path twice", Benign: "the key mtime"}
	padding = &validate.Rule{ID: "tar/padding", Title: "bytes where the format has zeros", Severity: validate.Medium,
		Why: "What is there is shown by no reader.", Fix: asWritten, Hostile: "a program behind the last byte of a member", Benign: "zeros"}
	end = &validate.Rule{ID: "tar/end", Title: "archive without the end that the format has, or with bytes behind it", Severity: validate.Medium,
		Why: "An archive that was cut has lost members, and what is behind the end is read by other programs.", Fix: "download the archive again",
		Hostile: "one block of zeros and more members", Benign: "two blocks of zeros"}
	codeInside = &validate.Rule{ID: "tar/code-inside", Title: "program code inside the archive", Severity: validate.Medium,
		Why: "Code inside an archive cannot be withheld.", Fix: "unpack the archive and scan the folder",
		Hostile: "handler.py", Benign: "model_config.yaml"}
	disguised = &validate.Rule{ID: "tar/name-only", Title: "file that has the name of an archive and is none", Severity: validate.Medium,
		Why: "A reader that goes by the name fails, and one that goes by the content reads something else.", Fix: asWritten,
		Hostile: "a pickle called model.tar", Benign: "an archive called model.bin"}
)

var rules = []*validate.Rule{slip, special, contents, after, badName, duplicate, link, sparse, kind, extended, padding, end, codeInside, disguised}
