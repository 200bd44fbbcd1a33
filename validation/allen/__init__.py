"""Five perisomatic cells of the Allen cell-types database, from bmtk."""
