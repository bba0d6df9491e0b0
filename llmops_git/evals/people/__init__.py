"""What people say of outputs: labels, which cases to ask them about, and how well a judge agrees with them."""
