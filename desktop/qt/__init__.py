"""What every screen needs of Qt."""
