"""Several processes serve clients on one port; the daemon itself follows and answers the rest."""
