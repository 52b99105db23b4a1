// Package audittest helps to test what speaks to the audit engine.
//
// LockEngine gives a test the machine's one real engine, alone, and puts back
// what the test changes. Kernel is a fake one with state: registration, rules,
// features, acknowledgements, queues that fill up, and records.
//
// The fake stands in below audit/kernel's own code, at its datagram seam: pass
// Kernel.Dial as kernel.Config.Dial or kernel.ControlConfig.Dial, and a real
// kernel.Source or kernel.Control speaks to it. So whoever declares an
// interface that *kernel.Control satisfies (rules: Rules, AddRule, DeleteRule,
// Status, Set) tests with Kernel.Control(t), and the encoding is tested along.
package audittest
