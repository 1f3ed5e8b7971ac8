"""Reading CSV: blocks of lines, parsed fast or by rules that know what is wrong, and what either end may hide."""
