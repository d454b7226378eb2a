"""Access: who acts here, users and the teams they stand in."""
