"""Reading CSV: the HIGGS format fast, files of any origin line by line, and what either end of a file may hide."""
