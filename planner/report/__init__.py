"""What people read: tables that fit a terminal of 80 columns."""
