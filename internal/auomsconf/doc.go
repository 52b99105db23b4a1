// Package auomsconf reads the configuration files of auoms, the Azure audit agent:
//
//	key = value             # a comment may follow
//	key = "with blanks"     # \" stands for a quote
//	key = R"x(as it is)x"   # may go on over lines
//	key = [ "a",            # JSON may, too
//	        "b" ]
//
// Of a key that is written twice the first counts, as with auoms.
package auomsconf
