"""Several processes serve clients on one port; the daemon follows runs and answers the rest."""
