package storage_test

const crashDirEnv = "PROCMON_STORAGE_CRASH_DIR"

func appendUntilKilled(string) {}
