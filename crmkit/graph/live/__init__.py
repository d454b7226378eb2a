"""Live answers: subscriptions over websockets and server-sent events."""
