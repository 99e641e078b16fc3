package main

import (
	"fmt"
	"maps"
	"slices"
)

// upgradeCode is the one of the .wxs.
const upgradeCode = "{7E0F6B34-93D1-4C57-A0C7-3B6D1E2C58F4}"

// Types of custom actions
// (https://learn.microsoft.com/en-us/windows/win32/msi/summary-list-of-all-custom-action-types).
const (
	exeInPackage  = 2
	ignoreResult  = 0x40
	inScript      = 0x400
	onRollback    = inScript | 0x100
	onCommit      = inScript | 0x200
	asLocalSystem = 0x800
)

func actionTypes() map[string]int {
	return map[string]int{
		"Resume":    exeInPackage | asLocalSystem | onRollback | ignoreResult,
		"Hold":      exeInPackage | asLocalSystem | inScript,
		"Remove":    exeInPackage | asLocalSystem | inScript,
		"Purge":     exeInPackage | asLocalSystem | inScript,
		"Restore":   exeInPackage | asLocalSystem | onRollback | ignoreResult,
		"Configure": exeInPackage | asLocalSystem | inScript,
		"Firewall":  exeInPackage | asLocalSystem | inScript,
		"Release":   exeInPackage | asLocalSystem | inScript,
		"Commit":    exeInPackage | asLocalSystem | onCommit | ignoreResult,
	}
}

// statements are the rows that wixl writes wrong or not at all. The SQL is Windows Installer's
// (https://learn.microsoft.com/en-us/windows/win32/msi/sql-syntax).
func statements(number string) []string {
	queries := []string{
		// Without its version an older file on the disk counts as newer than ours, and stays.
		"UPDATE `File` SET `Version` = '" + number + ".0', `Language` = '1033' WHERE `File` = 'exporter.exe'",
		"DELETE FROM `MsiFileHash` WHERE `File_` = 'exporter.exe'", // is for files without a version
		"UPDATE `File` SET `FileName` = 'PROCMON.EXE|procmon-exporter.exe' WHERE `File` = 'exporter.exe'",
		"UPDATE `File` SET `FileName` = 'EXAMPLE.YAM|exporter.example.yaml' WHERE `File` = 'exporter.yaml'",
		// From 0.0.0 to this version, both included.
		"DELETE FROM `Upgrade` WHERE `ActionProperty` = 'OLDERFOUND'",
		"INSERT INTO `Upgrade` (`UpgradeCode`, `VersionMin`, `VersionMax`, `Attributes`, `ActionProperty`) VALUES ('" + upgradeCode + "', '0.0.0', '" + number + "', 768, 'OLDERFOUND')",
		// A standard user's installer passes only these on to the part of it with rights.
		"UPDATE `Property` SET `Value` = 'OLDERFOUND;NEWERFOUND;DATACONFIG;LISTEN;TOKENFILE;PUSHURL;KEYFILE;CONFIG;FIREWALL;PURGE' WHERE `Property` = 'SecureCustomProperties'",
		// DATACONFIG is the path of the configuration file, where there is one.
		"CREATE TABLE `DrLocator` (`Signature_` CHAR(72) NOT NULL, `Parent` CHAR(72), `Path` CHAR(255), `Depth` INT PRIMARY KEY `Signature_`, `Parent`, `Path`)",
		"INSERT INTO `Signature` (`Signature`, `FileName`) VALUES ('Config', 'EXPORTER.YAM|exporter.yaml')",
		"INSERT INTO `DrLocator` (`Signature_`, `Path`, `Depth`) VALUES ('Config', '[CommonAppDataFolder]procmon', 0)",
		"INSERT INTO `AppSearch` (`Property`, `Signature_`) VALUES ('DATACONFIG', 'Config')",
	}
	types := actionTypes()
	for _, name := range slices.Sorted(maps.Keys(types)) {
		queries = append(queries, fmt.Sprintf("UPDATE `CustomAction` SET `Type` = %d WHERE `Action` = '%s'", types[name], name))
	}
	return queries
}
