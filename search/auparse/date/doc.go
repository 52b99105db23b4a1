// Package date prints dates as strftime's %x does in the locale of whoever reads them: 07/18/21 in the C locale,
// 07/18/2021 in America, 18.07.2021 in Germany. The audit tools print all their dates so.
package date
