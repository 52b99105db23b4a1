package tables

// families are the names of the socket families that the audit tools print,
// by the AF_* number of <linux/socket.h>. They have none for 27 (InfiniBand),
// 28 (MPLS) and 45 (MCTP).
var families = [...]string{
	1: "local", 2: "inet", 3: "ax25", 4: "ipx", 5: "appletalk", 6: "netrom", 7: "bridge",
	8: "atmpvc", 9: "x25", 10: "inet6", 11: "rose", 12: "decnet", 13: "netbeui",
	14: "security", 15: "key", 16: "netlink", 17: "packet", 18: "ash", 19: "econet",
	20: "atmsvc", 21: "rds", 22: "sna", 23: "irda", 24: "pppox", 25: "wanpipe", 26: "llc",
	29: "can", 30: "tipc", 31: "bluetooth", 32: "iucv", 33: "rxrpc", 34: "isdn",
	35: "phonet", 36: "ieee802154", 37: "caif", 38: "alg", 39: "nfc", 40: "vsock",
	41: "kcm", 42: "qipcrtr", 43: "smc", 44: "xdp",
}

// FamilyName returns the audit tools' name of a socket family, "inet" for
// AF_INET.
func FamilyName(family int) (string, bool) {
	if family < 0 || family >= len(families) || families[family] == "" {
		return "", false
	}
	return families[family], true
}
