// A tag that the visitor has not agreed to would stand here.
