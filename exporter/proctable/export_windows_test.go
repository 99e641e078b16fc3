package proctable

// ReadVersion reads the version resource of a file.
func ReadVersion(path string) Version { return newNTHost().version(path) }

// Offsets are where the parsers look for fields.
var Offsets = map[string]uintptr{
	"NextEntryOffset": ntNextEntryOffset, "NumberOfThreads": ntNumberOfThreads, "CreateTime": ntCreateTime, "UserTime": ntUserTime,
	"KernelTime": ntKernelTime, "ImageName": ntImageName, "UniqueProcessID": ntUniqueProcessID, "InheritedFromUniqueProcessID": ntInheritedFromID,
	"HandleCount": ntHandleCount, "SessionID": ntSessionID, "WorkingSetSize": ntWorkingSetSize, "PagefileUsage": ntPagefileUsage,
	"PrivatePageCount": ntPrivatePageCount, "ReadOperationCount": ntReadOperationCount, "WriteOperationCount": ntWriteOperationCount,
	"ReadTransferCount": ntReadTransferCount, "WriteTransferCount": ntWriteTransferCount, "process": ntProcessSize,
	"ServiceName": serviceName, "ProcessId": serviceProcessID, "service": serviceSize,
}
