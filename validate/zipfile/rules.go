package zipfile

import "github.com/loadlock/loadlock/validate"

const asWritten = "ask for the archive as its writer made it, or save the model again"

var (
	mismatch = &validate.Rule{ID: "zip/mismatch", Title: "local header and directory disagree", Severity: validate.Medium,
		Why: "Readers that use the one see another member than readers that use the other.",
		Fix: asWritten, Refs: []string{"CVE-2025-1944"}}
	flagBits = &validate.Rule{ID: "zip/flags", Title: "member flagged as encrypted, patched, or with unknown flags", Severity: validate.Medium,
		Why: "Some readers refuse such a member and others ignore the flag, so that a scanner skips what a loader reads.",
		Fix: asWritten, Refs: []string{"CVE-2025-1945"}}
	checksum = &validate.Rule{ID: "zip/crc", Title: "wrong checksum", Severity: validate.Medium,
		Why: "A reader that checks stops at the member; a loader that does not check goes on.",
		Fix: "download the file again", Refs: []string{"CVE-2025-10156"}}
	methodUnknown = &validate.Rule{ID: "zip/method", Title: "compression method that torch and numpy do not use", Severity: validate.Medium,
		Why: "The member was not read; a loader with another zip library may read it.",
		Fix: "save the model again; only stored and deflate are read"}
	sizes = &validate.Rule{ID: "zip/size", Title: "member with another size than declared", Severity: validate.Medium,
		Why: "Readers stop at different places.", Fix: asWritten}
	badName = &validate.Rule{ID: "zip/name", Title: "member name that leads outside or reads differently on other systems", Severity: validate.Medium,
		Why: "Unpacking such an archive writes outside its folder (zip slip), or names are cut at different places.",
		Fix: asWritten, Refs: []string{"CWE-22"}}
	duplicate = &validate.Rule{ID: "zip/duplicate", Title: "two members of one name", Severity: validate.Medium,
		Why: "One reader takes the first, another the last; on some systems names equal up to case are one.",
		Fix: asWritten}
	special = &validate.Rule{ID: "zip/special-file", Title: "member that is a link or a device", Severity: validate.Medium,
		Why: "Unpacking it reaches outside the folder.", Fix: asWritten, Refs: []string{"CWE-59"}}
	overlap = &validate.Rule{ID: "zip/overlap", Title: "members that share bytes", Severity: validate.Medium,
		Why: "Overlapping members make bombs without nesting, and files that readers see differently.",
		Fix: asWritten}
	prefix = &validate.Rule{ID: "zip/prefix", Title: "bytes before the archive", Severity: validate.Medium,
		Why: "The file is something else for a reader that begins at its start.", Fix: asWritten}
	suffix = &validate.Rule{ID: "zip/suffix", Title: "bytes after the archive", Severity: validate.Medium,
		Why: "What is appended is read by other programs, or by readers that search differently.", Fix: asWritten}
	hidden = &validate.Rule{ID: "zip/hidden", Title: "bytes between members that belong to none", Severity: validate.Medium,
		Why: "A member that the directory does not list is found by readers that walk the file.", Fix: asWritten}
	comment = &validate.Rule{ID: "zip/comment", Title: "archive or member with a comment", Severity: validate.Medium,
		Why: "A comment can hold a second archive; the writers of models leave none.", Fix: asWritten}
	ends = &validate.Rule{ID: "zip/end", Title: "end records that repeat or disagree", Severity: validate.Medium,
		Why: "Readers choose different directories, so that there are two archives in one file.", Fix: asWritten}
	extraField = &validate.Rule{ID: "zip/extra", Title: "extra field that no model writer makes", Severity: validate.Medium,
		Why: "Extra fields can give a member another name or hide data.", Fix: asWritten}
	codeInside = &validate.Rule{ID: "zip/code-inside", Title: "program code inside the archive", Severity: validate.Medium,
		Why:  "Code inside an archive cannot be withheld; TorchScript archives run it when they are loaded.",
		Fix:  "use a checkpoint of weights only",
		Refs: []string{"CVE-2025-32434"}}
	storage = &validate.Rule{ID: "zip/storage", Title: "tensor storages that do not fit the checkpoint", Severity: validate.Medium,
		Why:  "A storage of another size than declared makes loaders read beyond it; one that no tensor refers to is something else.",
		Fix:  asWritten,
		Refs: []string{"CVE-2026-24747"}}
)

var rules = []*validate.Rule{mismatch, flagBits, checksum, methodUnknown, sizes, badName, duplicate, special, overlap, prefix, suffix, hidden, comment, ends, extraField, codeInside, storage}
