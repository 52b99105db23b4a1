package output

func newEncoder(kind Kind, colour bool) encoder { return nil }
