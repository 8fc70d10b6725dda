package tensorbundle

import (
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk"
)

const again = "save the checkpoint again with a current TensorFlow"

var (
	walking = protowalk.NewRules("tensorbundle", "tensor bundle", "BundleEntryProto")

	table = &validate.Rule{ID: "tensorbundle/table", Title: "table that readers walk differently", Severity: validate.Medium,
		Why:     "A reader that follows the index, one that scans the blocks and one that looks up a key then find other tensors.",
		Fix:     again,
		Hostile: "two entries with the key \"w\", or a block that no index entry names", Benign: "sorted keys in blocks that lie one behind the other",
		Refs: []string{"https://github.com/google/leveldb/blob/main/doc/table_format.md"}}
	checksum = &validate.Rule{ID: "tensorbundle/checksum", Title: "wrong checksum", Severity: validate.Medium,
		Why: "A reader that checks refuses what another one loads.", Fix: "download the file again",
		Hostile: "a block whose CRC-32C does not match", Benign: "a block as its writer made it"}
	compressed = &validate.Rule{ID: "tensorbundle/compressed", Title: "compressed block", Severity: validate.Medium,
		Why: "TensorFlow writes the index of a checkpoint uncompressed; this block was not read.", Fix: again,
		Hostile: "a block of compression type 1 (snappy)", Benign: "a block of type 0"}
	entry = &validate.Rule{ID: "tensorbundle/entry", Title: "tensor whose place or size cannot be", Severity: validate.Medium,
		Why: "A loader that trusts the entry reads outside the data file, or less than the shape needs.", Fix: again,
		Hostile: "dtype: DT_FLOAT shape { dim { size: 1000 } } offset: 0 size: 4", Benign: "dtype: DT_FLOAT shape { dim { size: 1 } } offset: 0 size: 4"}
	oldForm = &validate.Rule{ID: "tensorbundle/old-checkpoint", Title: "checkpoint in the form of TensorFlow 0", Severity: validate.Medium,
		Why:     "The first form of checkpoints keeps tensors as messages inside the table; it is not read here.",
		Fix:     "restore it and save it in the second form (tf.train.Saver writes it since 1.0)",
		Hostile: "model.ckpt, a table of SavedTensorSlices", Benign: "model.ckpt.index and model.ckpt.data-00000-of-00001"}
)

func rules() []*validate.Rule {
	return append(walking.All(), table, checksum, compressed, entry, oldForm)
}
