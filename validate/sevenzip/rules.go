package sevenzip

import "github.com/loadlock/loadlock/validate"

const asWritten = "ask for the files themselves, without an archive"

var (
	slip = &validate.Rule{ID: "sevenzip/slip", Title: "file name that leads outside the folder or hides what it is", Severity: validate.High,
		Why: "Unpacking the archive writes where the attacker wants, or shows another name than it writes.", Fix: "do not unpack it",
		Hostile: "../../.bashrc", Benign: "a..b", Refs: []string{"CWE-22"}}
	otherName = &validate.Rule{ID: "sevenzip/other-name", Title: "7z archive under another name", Severity: validate.Medium,
		Why: "No loader of models reads 7z; under the name of a checkpoint it hides its content from scanners that go by the name (nullifAI).",
		Fix: asWritten, Hostile: "a 7z archive called pytorch_model.pt", Benign: "the same called data.7z"}
	encrypted = &validate.Rule{ID: "sevenzip/encrypted", Title: "encrypted archive", Severity: validate.Medium,
		Why: "What cannot be read cannot be judged.", Fix: "unpack it and scan the files", Hostile: "7z a -p", Benign: "7z a"}
	unread = &validate.Rule{ID: "sevenzip/unread", Title: "compression that is not read", Severity: validate.Medium,
		Why: "What was not read was not judged.", Fix: "unpack it and scan the files", Hostile: "an executable with the filter BCJ2", Benign: "LZMA2"}
	broken = &validate.Rule{ID: "sevenzip/broken", Title: "file that does not decompress as declared", Severity: validate.Medium,
		Why: "Readers stop at different places.", Fix: "download the archive again", Hostile: "a file with another CRC than declared", Benign: "the right CRC"}
	trailing = &validate.Rule{ID: "sevenzip/trailing", Title: "bytes behind the archive or behind a packed stream", Severity: validate.Medium,
		Why: "What is there is read by other programs.", Fix: asWritten, Hostile: "a zip archive behind a 7z archive", Benign: "a 7z archive alone"}
	oddHeader = &validate.Rule{ID: "sevenzip/header", Title: "header with parts that ordinary archives do not have", Severity: validate.Medium,
		Why: "Comments, anti-items and additional streams carry what readers skip or delete.", Fix: asWritten, Hostile: "an anti-item", Benign: "times and attributes"}
	badName = &validate.Rule{ID: "sevenzip/name", Title: "file name that reads differently on other systems", Severity: validate.Medium,
		Why: "Readers split or decode the name in different ways and find another file.", Fix: asWritten, Hostile: "a//b", Benign: "a/b"}
	duplicate = &validate.Rule{ID: "sevenzip/duplicate", Title: "two files of one name", Severity: validate.Medium,
		Why: "The last that is unpacked replaces the first.", Fix: asWritten, Hostile: "data.pkl and DATA.PKL", Benign: "a/data.pkl and b/data.pkl"}
	link = &validate.Rule{ID: "sevenzip/link", Title: "file that is a link or a device", Severity: validate.Medium,
		Why: "What it stands for depends on who unpacks it and where.", Fix: asWritten, Hostile: "a symbolic link", Benign: "a file", Refs: []string{"CWE-59"}}
	codeInside = &validate.Rule{ID: "sevenzip/code-inside", Title: "program code inside the archive", Severity: validate.Medium,
		Why: "Code inside an archive cannot be withheld.", Fix: "unpack it and scan the files", Hostile: "modeling.py", Benign: "vocab.txt"}
	disguised = &validate.Rule{ID: "sevenzip/name-only", Title: "file that has the name of a 7z archive and is none", Severity: validate.Medium,
		Why: "A reader that goes by the name fails, and one that goes by the content reads something else.", Fix: asWritten,
		Hostile: "a pickle called model.7z", Benign: "a 7z archive called model.7z"}
)

var rules = []*validate.Rule{slip, otherName, encrypted, unread, broken, trailing, oddHeader, badName, duplicate, link, codeInside, disguised}
