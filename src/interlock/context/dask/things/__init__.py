"""What programs have of a thing that lies at the desk: its name, and its methods."""
