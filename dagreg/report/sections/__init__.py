"""The sections of a report, one file each: functions from results to blocks, which know no output format."""
