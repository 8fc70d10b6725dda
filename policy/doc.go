// Package policy is what the operator permits: one strict, typed YAML document.
package policy
