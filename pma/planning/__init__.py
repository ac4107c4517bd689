"""Planning: what uploads in one country become elsewhere, budgets by month and week, scenarios, targets."""
