"""How good a customer fits and how lively the contact is: scores with reasons, and grades."""
