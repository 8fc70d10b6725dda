package hdf5

import "github.com/loadlock/loadlock/validate"

var (
	externalData = &validate.Rule{ID: "hdf5/external-data", Title: "dataset whose numbers are in another file", Severity: validate.High,
		Why: "The library opens the named file of the host when the dataset is read, so its content becomes weights that the model can give away.",
		Fix: "ask for a file with its own data; no model writer makes such datasets", Hostile: `create_dataset("w", (64,), "u1", external=[("/etc/passwd", 0, 64)])`,
		Benign: `create_dataset("w", (64,), "u1")`, Refs: []string{"CVE-2026-1669", "HDF5 specification IV.A.2.h"}}
	externalLink = &validate.Rule{ID: "hdf5/external-link", Title: "link into another file", Severity: validate.High,
		Why: "Following the link opens a file of the host that was not validated.",
		Fix: "ask for a file without external links", Hostile: `f["w"] = h5py.ExternalLink("/etc/secrets.h5", "/key")`,
		Benign: `f["w"] = h5py.SoftLink("/layers/w")`, Refs: []string{"HDF5 specification IV.A.2.g"}}
	virtual = &validate.Rule{ID: "hdf5/virtual-dataset", Title: "virtual dataset that is put together from other files", Severity: validate.High,
		Why: "Reading the dataset opens the named files of the host.",
		Fix: "ask for a file with its own data", Hostile: `VirtualSource("/srv/private.h5", "data", (100,))`,
		Benign: `VirtualSource(".", "data", (100,))`, Refs: []string{"HDF5 specification IV.A.2.i, virtual storage layout"}}
	virtualInside = &validate.Rule{ID: "hdf5/virtual-inside", Title: "virtual dataset", Severity: validate.Medium,
		Why: "Its mapping names files and is not read in full here, so it could not be shown to stay inside this file.",
		Fix: "copy the dataset into a plain one", Hostile: `VirtualSource(".", …) and a second source in another file`,
		Benign: "a chunked dataset", Refs: []string{"HDF5 specification IV.A.2.i"}}
	driver = &validate.Rule{ID: "hdf5/driver", Title: "file that is one part of several", Severity: validate.Medium,
		Why: "The driver that it names opens other files for the rest of the data.",
		Fix: "write the model into one file (h5repack)", Hostile: `h5py.File("m%d.h5", driver="family")`, Benign: `h5py.File("m.h5", "w")`,
		Refs: []string{"HDF5 specification II.B"}}
	userLink = &validate.Rule{ID: "hdf5/user-defined-link", Title: "link of a kind that the library does not have", Severity: validate.Medium,
		Why: "Code that a program registers decides what such a link opens.",
		Fix: "ask for a file with hard and soft links only", Hostile: "a link message of type 70", Benign: "a link message of type 1 (soft)",
		Refs: []string{"HDF5 specification IV.A.2.g"}}
	unknownFilter = &validate.Rule{ID: "hdf5/unknown-filter", Title: "dataset that needs a filter plugin nobody registered", Severity: validate.Medium,
		Why: "The library loads a shared object by this number from its plugin folder, native code that was not validated.",
		Fix: "ask for data compressed with gzip", Hostile: "filter 31337 in the pipeline", Benign: "filter 1 (deflate)",
		Refs: []string{"HDF5 specification IV.A.2.l", "H5PL: dynamically loaded filters"}}
	pluginFilter = &validate.Rule{ID: "hdf5/plugin-filter", Title: "dataset that needs a registered filter plugin", Severity: validate.Low,
		Why: "Reading it works only where the named compressor is installed on the host.",
		Fix: "nothing, if the compressor is installed; else ask for gzip", Hostile: "filter 32001 (Blosc)", Benign: "filter 32000 (LZF, part of h5py)",
		Refs: []string{"https://github.com/HDFGroup/hdf5_plugins"}}
	userBlock = &validate.Rule{ID: "hdf5/user-block", Title: "bytes before the HDF5 file", Severity: validate.Medium,
		Why: "A loader that looks at the first bytes reads another file than one that searches for the HDF5 signature.",
		Fix: "strip the user block (h5unjam)", Hostile: "a pickle in 512 bytes before the superblock", Benign: "512 zeros before the superblock",
		Refs: []string{"HDF5 specification II.A"}}
	overlap = &validate.Rule{ID: "hdf5/overlap", Title: "two structures that claim the same bytes", Severity: validate.Medium,
		Why: "No library writes this; readers that come from different sides see different content.",
		Fix: "write the file again (h5repack)", Hostile: "two datasets whose layouts name one address", Benign: "two hard links to one dataset",
		Refs: []string{"HDF5 specification III"}}
	hidden = &validate.Rule{ID: "hdf5/hidden", Title: "unused bytes that hold something", Severity: validate.Medium,
		Why: "Space that no structure uses is where a second file is put (an archive, a pickle, a program).",
		Fix: "write the file again (h5repack)", Hostile: "a zip archive in a hole between two datasets", Benign: "a hole with an old object header",
		Refs: []string{"HDF5 specification III.E"}}
	freeSpace = &validate.Rule{ID: "hdf5/free-space", Title: "unused bytes that are not zero", Severity: validate.Low,
		Why: "The library leaves old metadata behind; nothing that reads the file by its structure sees it.",
		Fix: "nothing; h5repack removes it", Hostile: "a hole with half an old heap", Benign: "a hole of zeros",
		Refs: []string{"HDF5 specification III.E"}}
	duplicateLink = &validate.Rule{ID: "hdf5/duplicate-link", Title: "group with two members of one name", Severity: validate.Medium,
		Why: "Looking up the name gives one of them and listing the group the other.",
		Fix: "write the file again", Hostile: "two symbol table entries named model_weights", Benign: "names that differ in case",
		Refs: []string{"HDF5 specification III.B"}}
	duplicateAttribute = &validate.Rule{ID: "hdf5/duplicate-attribute", Title: "object with two attributes of one name", Severity: validate.Medium,
		Why: "One reader takes the first model_config, another the last.",
		Fix: "write the file again", Hostile: "two attribute messages named model_config", Benign: "model_config and training_config",
		Refs: []string{"HDF5 specification IV.A.2.m"}}
)

var rules = []*validate.Rule{externalData, externalLink, virtual, virtualInside, driver, userLink, unknownFilter, pluginFilter,
	userBlock, overlap, hidden, freeSpace, duplicateLink, duplicateAttribute}
