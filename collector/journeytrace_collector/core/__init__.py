"""Pure: decode → sessionize → derive → settle, measure. Time is an argument, nothing does I/O."""
