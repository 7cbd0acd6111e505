package compare

// Cells is cells, for tests.
var Cells = cells
