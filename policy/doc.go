// Package policy is what the operator permits: one strict, typed YAML document.
//
// # What a policy can say
//
// The table in keys.go has one row per key: name, meaning, range, reader, printer and comparison. The JSON Schema
// (Schema), the effective policy (Effective), the digest, the layering and the list of weakenings all come from
// that table; invopop/jsonschema would make the schema from Go types instead, where the ranges, the key names
// and the complement of restricted_operations are not to be found. A test changes every field of Policy and fails
// when the table does not notice.
//
// An unknown or repeated key, a wrong type and an absurd number are errors with file, line and column; the
// nearest valid key is named. Anchors, aliases, merge keys, tags and second documents are refused: what a reviewer
// reads is what is loaded. A file is read up to 1 MiB and must be a regular file.
//
// A file starts from the template that `extends` names (safe if it names none); keys that it does not set are
// inherited. Lists replace the inherited list.
//
// # The zero value
//
// The zero Policy admits nothing and starts nothing: it has no name, every limit is zero, every operation is
// restricted, every layer required. No file can produce it. Load returns it with every error.
//
// # Precedence
//
// Trust falls from host (/etc/loadlock/policy.yaml) over user ($XDG_CONFIG_HOME/loadlock/policy.yaml) to what the
// command line names with --policy. The least trusted layer that is there is what is asked for; without any it
// is the template safe. Every more trusted layer is a ceiling, with everything that it inherits: the effective
// policy is the tighter of the two for each key. That is the smaller number, the tighter word, permission only
// where both permit, everything that either blocks or restricts, and of trusted sources, waivers, allowed globals
// and optional layers only what both have. So a host policy that lists no waivers permits none.
//
// Flags come last (WithFlags). They lower limits; a flag that asks for more is an error that says which layer is
// in the way. Only keys that begin with unsafe_, and what Weakenings lists, loosen; they do so in the layer
// that asks, never past a ceiling.
//
// # Where files are looked up
//
// In the two places above, and at the path that --policy names (with a slash, or ending in .yaml or .yml; any
// other word is a template). Never in the working directory and never in the model. A relative XDG_CONFIG_HOME is
// ignored, because it would lead into the working directory. A host file that its group or others may write, or
// a user file that others may write, is refused. A file that is there but cannot be read is an error, not an
// absent layer.
//
// # What restricted_operations become
//
// Policy.Sandbox.Allow holds the complement, so that its zero value restricts everything.
//
//	network_access  a network namespace with at most loopback, and no socket families but AF_UNIX (seccomp); with
//	                --publish also TCP, bound to the published ports only (landlock)
//	subprocess      no fork and no execve of other programs (seccomp, pids)
//	file_write      no --rw: the host's files are read-only binds (mount, landlock)
//	native_code     only the interpreter's and the system's files may be mapped executable (mount, landlock)
//	gpu             no GPU: --gpu and gpu.mode are refused (mount, cgroup, landlock, seccomp)
//
// network: allow gives the hosts in network_hosts through a proxy, network: host shares the host's network. Both need
// network_access not to be restricted, and are listed as weakenings. What two layers permit together is the tighter
// kind and, of the hosts, what both cover; no host in common is network: none.
//
// A flag never permits more than the policy: --net allow:HOST chooses among network_hosts (any host where the policy
// says network: host), and the refusal says which lines a policy needs. --publish needs the key publish.
//
// # GPUs
//
// Permission and wish are two keys. restricted_operations with gpu forbids a GPU. gpu.mode says whether a run gets one when
// --gpu says nothing, gpu.devices which may be granted; the rest of the block says what a granted one may do. Layers: of
// devices what both cover ("all" covers everything, another name itself only), the newer min_driver, the smaller memory
// limit (0 is none), the tighter words. The mode is the asking layer's alone: it permits nothing, and lowered to none by
// a ceiling a run would silently lose the GPU that its policy requires.
//
// # Cost
//
// Importing the package costs about 0.1 ms of package initialisation, nearly all of it the YAML library's; Load takes
// a quarter of a millisecond for safe (BenchmarkLoad).
package policy
