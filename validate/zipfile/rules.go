package zipfile

import "github.com/loadlock/loadlock/validate"

const asWritten = "ask for the archive as its writer made it, or save the model again"

// Rules about archives that two readers see differently, and about flags and numbers that lie. No writer makes them.
var (
	twoNames = &validate.Rule{ID: "zip/two-names", Title: "member with two names", Severity: validate.High,
		Why: "Readers that use the local header or the Unicode path see another member than readers that use the directory, so that a scanner looks at one and the loader runs the other.",
		Fix: asWritten, Hostile: `local header "m/data.pkl", directory "m/notes.txt"`,
		Benign: `a Unicode path field that repeats the name`, Refs: []string{"CVE-2025-1944"}}
	contents = &validate.Rule{ID: "zip/two-contents", Title: "member whose method or size is not the same in its headers", Severity: validate.High,
		Why: "Readers that believe one header get other bytes than readers that believe the other.",
		Fix: asWritten, Hostile: "method 0 in the local header, 8 in the directory", Benign: "zeros in the local header of a member with a data descriptor"}
	falseFlags = &validate.Rule{ID: "zip/false-flags", Title: "member flagged as encrypted or patched that is plain", Severity: validate.High,
		Why: "Scanners refuse a flagged member and torch ignores the flag, so that the loader reads what the scanner did not.",
		Fix: asWritten, Hostile: "flag 0x1 over a plain pickle with its right CRC", Benign: "flag 0x8, a data descriptor", Refs: []string{"CVE-2025-1945"}}
	version = &validate.Rule{ID: "zip/version", Title: "member that is said to need a later version of the format than there is", Severity: validate.High,
		Why: "Python's zipfile refuses the whole archive and torch does not look, so that the loader reads what a scanner in Python did not.",
		Fix: asWritten, Hostile: "version needed 25.5", Benign: "version needed 4.5, zip64", Refs: []string{"APPNOTE 4.4.3"}}
	directories = &validate.Rule{ID: "zip/two-directories", Title: "two directories, or end records that point to different ones", Severity: validate.High,
		Why: "Readers choose different directories, so that there are two archives in one file.",
		Fix: asWritten, Hostile: "an end record whose comment holds a second directory and end record", Benign: "a zip64 end record that repeats the numbers of the end record"}
	slip = &validate.Rule{ID: "zip/slip", Title: "member name that leads outside the folder or hides what it is", Severity: validate.High,
		Why: "Unpacking the archive writes where the attacker wants (zip slip), or shows another name than it writes.",
		Fix: "do not unpack it", Hostile: "../../.bashrc", Benign: "a..b/c...d", Refs: []string{"CWE-22"}}
	special = &validate.Rule{ID: "zip/special-file", Title: "member that is a device, or a link that leads outside", Severity: validate.High,
		Why: "Unpacking it reaches outside the folder.", Fix: "do not unpack it",
		Hostile: "a symbolic link to /etc", Benign: "a member with mode 0100644", Refs: []string{"CWE-59"}}
)

// Rules about archives that readers may see differently, or that were damaged.
var (
	mismatch = &validate.Rule{ID: "zip/mismatch", Title: "local header, data descriptor and directory disagree", Severity: validate.Medium,
		Why: "Readers that use the one see another member than readers that use the other, or none.",
		Fix: asWritten, Hostile: "CRC 1 in the local header, 2 in the directory", Benign: "CRC 0 in the local header of a member with a data descriptor", Refs: []string{"CVE-2025-1944"}}
	flagBits = &validate.Rule{ID: "zip/flags", Title: "member flagged as encrypted, patched, or with unknown flags", Severity: validate.Medium,
		Why: "Some readers refuse such a member and others ignore the flag, so that a scanner skips what a loader reads.",
		Fix: asWritten, Hostile: "an encrypted member", Benign: "flag 0x800, a name in UTF-8", Refs: []string{"CVE-2025-1945"}}
	checksum = &validate.Rule{ID: "zip/crc", Title: "wrong checksum", Severity: validate.Medium,
		Why: "A reader that checks stops at the member; torch does not check and goes on.",
		Fix: "download the file again", Hostile: "CRC 1 over a pickle whose CRC is 2", Benign: "the right CRC", Refs: []string{"CVE-2025-10156"}}
	noChecksum = &validate.Rule{ID: "zip/crc-absent", Title: "checkpoint without checksums", Severity: validate.Low,
		Why: "Damage on the way is not noticed; torch writes such archives when it is told to (set_crc32_options).",
		Fix: "none is needed", Hostile: "CRC 0 in a torch archive", Benign: "the right CRC"}
	methodUnknown = &validate.Rule{ID: "zip/method", Title: "compression method that the loader does not use", Severity: validate.Medium,
		Why: "The member was not read, or only by some readers; a loader with another zip library may read it otherwise.",
		Fix: "save the model again, stored or with deflate", Hostile: "method 99", Benign: "method 8, deflate"}
	sizes = &validate.Rule{ID: "zip/size", Title: "member with another size than declared", Severity: validate.Medium,
		Why: "Readers stop at different places.", Fix: asWritten, Hostile: "1000 bytes that declare 5", Benign: "an empty member"}
	badName = &validate.Rule{ID: "zip/name", Title: "member name that reads differently on other systems", Severity: validate.Medium,
		Why: "Readers split or decode the name in different ways and find another member.",
		Fix: asWritten, Hostile: `a\b.pkl`, Benign: "ä.txt, flagged as UTF-8"}
	encoding = &validate.Rule{ID: "zip/name-encoding", Title: "member name in UTF-8 that is not flagged as such", Severity: validate.Low,
		Why: "Some readers take the name for code page 437 and show another; Info-ZIP and macOS write such names, and the content is judged whatever the name.",
		Fix: "none is needed", Hostile: "ä.txt without flag 0x800", Benign: "ä.txt with flag 0x800"}
	duplicate = &validate.Rule{ID: "zip/duplicate", Title: "two members of one name", Severity: validate.Medium,
		Why: "One reader takes the first, another the last; on some systems names equal up to case, Unicode form or a dot at the end are one.",
		Fix: asWritten, Hostile: "data.pkl and DATA.PKL", Benign: "a/data.pkl and b/data.pkl"}
	link = &validate.Rule{ID: "zip/link", Title: "member that is a symbolic link or a pipe", Severity: validate.Medium,
		Why: "What it stands for depends on who unpacks it and where.", Fix: "ask for an archive with files",
		Hostile: "a link to data.pkl", Benign: "a second copy of the file", Refs: []string{"CWE-59"}}
	overlap = &validate.Rule{ID: "zip/overlap", Title: "members that share bytes", Severity: validate.Medium,
		Why: "Overlapping members make bombs without nesting, and files that readers see differently.",
		Fix: asWritten, Hostile: "two directory entries for one local header", Benign: "members one after the other"}
	prefix = &validate.Rule{ID: "zip/prefix", Title: "bytes before the archive", Severity: validate.Medium,
		Why: "The file is something else for a reader that begins at its start.", Fix: asWritten,
		Hostile: "#!/bin/sh in front of the archive", Benign: "an archive that begins with its first member"}
	inFront = &validate.Rule{ID: "zip/model-in-front", Title: "archive of labels behind a model of TensorFlow Lite", Severity: validate.Low,
		Why: "TensorFlow Lite's metadata packs labels and vocabularies behind the model; each half is judged by its own scanner.", Fix: "nothing",
		Hostile: "a pickle of torch behind a model of TensorFlow Lite", Benign: "labels.txt behind a model of TensorFlow Lite"}
	suffix = &validate.Rule{ID: "zip/suffix", Title: "bytes after the archive", Severity: validate.Medium,
		Why: "What is appended is read by other programs, or by readers that search differently.", Fix: asWritten,
		Hostile: "a pickle behind the end record", Benign: "a text as the comment of the archive"}
	hidden = &validate.Rule{ID: "zip/hidden", Title: "bytes between members that belong to none", Severity: validate.Medium,
		Why: "A member that the directory does not list is found by readers that walk the file.", Fix: asWritten,
		Hostile: "a local header that the directory does not list", Benign: "a data descriptor behind a member"}
	commentData = &validate.Rule{ID: "zip/comment-data", Title: "archive or member with a comment that is no text", Severity: validate.Medium,
		Why: "A comment can hold a second archive.", Fix: asWritten, Hostile: "PK\\x05\\x06 in the comment", Benign: "the commit that git archive leaves"}
	comment = &validate.Rule{ID: "zip/comment", Title: "archive or member with a comment", Severity: validate.Low,
		Why: "The writers of models leave none; nothing reads it.", Fix: "none is needed", Hostile: "a comment of 60,000 letters", Benign: "no comment"}
	ends = &validate.Rule{ID: "zip/end", Title: "end record that disagrees with the archive", Severity: validate.Medium,
		Why: "Readers refuse the archive or read a part of it.", Fix: asWritten, Hostile: "an end record that counts fewer members than there are", Benign: "an archive without members"}
	extraField = &validate.Rule{ID: "zip/extra", Title: "extra field that no model writer makes", Severity: validate.Medium,
		Why: "Extra fields can give a member another name or hide data.", Fix: asWritten,
		Hostile: "field 0x9999", Benign: "field FB filled with Z, as torch aligns tensors"}
	codeInside = &validate.Rule{ID: "zip/code-inside", Title: "program code inside the archive", Severity: validate.Medium,
		Why: "Code inside an archive cannot be withheld; TorchScript archives run it when they are loaded.",
		Fix: "unpack the archive and scan the folder, in which code is withheld; or ask for a checkpoint of weights only", Hostile: "m/code/__torch__.py", Benign: "m/version", Refs: []string{"CVE-2025-32434"}}
	storage = &validate.Rule{ID: "zip/storage", Title: "tensor storages that do not fit the checkpoint", Severity: validate.Medium,
		Why: "A storage of another size than declared makes loaders read beyond it; one that no tensor refers to is something else.",
		Fix: asWritten, Hostile: "m/data/0 of 3 bytes for a tensor of 4", Benign: "a storage that two tensors share", Refs: []string{"CVE-2026-24747"}}
	torchFolder = &validate.Rule{ID: "zip/torch-folder", Title: "torch archive with more than one folder", Severity: validate.Medium,
		Why: "Torch takes the first record's folder for the archive and compares names without case; a scanner that looks for data.pkl may find another.",
		Fix: asWritten, Hostile: "a/data.pkl and b/data.pkl", Benign: "m/data.pkl and m/data/0"}
)

var rules = []*validate.Rule{twoNames, contents, falseFlags, version, directories, slip, special,
	mismatch, flagBits, checksum, noChecksum, methodUnknown, sizes, badName, encoding, duplicate, link, overlap, prefix, inFront, suffix, hidden,
	commentData, comment, ends, extraField, codeInside, storage, torchFolder}
