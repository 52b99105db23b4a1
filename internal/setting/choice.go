package setting

// Choice is a setting that takes one of a few words. The method is called on the zero
// value, too.
type Choice interface{ Words() []string }
