package salvage

var (
	ReadTable = readTable
	ReadLog   = readLog
	CheckLog  = checkLog
)
