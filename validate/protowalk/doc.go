// Package protowalk reads protocol buffers of hostile origin field by field against a table of what is known.
//
// A model format that is a protocol buffer (ONNX, TensorFlow, Core ML, Paddle) states its messages in a small text:
//
//	message TensorProto
//	1 int64* dims
//	9 bytes raw_data
//
// "*" means repeated, a word behind the name is the oneof that the field belongs to. Walk goes through the whole file
// and calls a function for the messages that a scanner judges; all others are checked against the table alone.
//
// # Security
//
// Nothing is allocated from a length, bytes fields are stepped over unread, nesting is bounded as protobuf bounds it
// (100). Stricter than the protobuf libraries on purpose, because those differ from each other or keep quiet: a field
// that the table does not have, a field that occurs twice where one is meant (last wins, or merged), two members of a
// oneof, a number wider than its type, a varint longer than needed, text that is not UTF-8, and groups are all findings.
// Encoding: https://protobuf.dev/programming-guides/encoding/.
package protowalk
